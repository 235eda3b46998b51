"""The playground in a browser: a page on loopback, beside the simulated world it is played in.

`play.py` is the command, `server.py` the way in, `seen.py` what one person sees, `gestures.py` what
they do. The page itself is in `page/`. The bot does not know of any of it.
"""
