"""The controllers: each watches storage, and brings one kind's objects closer to their spec.

A pass looks at one key, writes through `api.py` like any client, and ends without waiting. What has
to take time asks its loop for another pass later, on the cluster's clock.
"""
