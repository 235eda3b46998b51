"""The Kubernetes client: no other package sends requests to a cluster.

Other rooms use `Cluster` (cluster.py) to observe, perform, list names and watch. Rules:
- No other package imports the kubernetes library. Every answer is parsed into a type of
  `bot.restore.observation` (parse.py, configuration.py).
- Failures are translated once (client.py) into Temporary or Permanent; an answer that says no
  becomes a Rejection, a fact that the core judges.
- It decides nothing about a restore and remembers nothing about one.
"""
