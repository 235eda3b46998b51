"""Why a restore is stuck or has failed: rules over what was read of the cluster.

`evidence` is what was read, `rules` names one likely cause, `model` is what is stored and shown of it,
and `times` says when evidence is worth its requests.
"""
