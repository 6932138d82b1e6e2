"""Tests start hundreds of interpreters: they keep compiled modules, even where the environment says not to."""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
