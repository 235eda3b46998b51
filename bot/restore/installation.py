"""The name of an installation: it tells its keys, objects and restores from those of another one.

It stands in Redis keys, where a brace would end the hash tag, and in a label of Kubernetes.
"""

import re
from typing import Final

DEFAULT: Final = "default"
NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
