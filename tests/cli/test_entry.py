"""The command's first moments."""

import signal
import subprocess
import sys

# Interrupts the process when it loads the first module after those of the command's entry.
_INTERRUPTED = """
import os, sys

class Interruption:
    def find_spec(self, name, path=None, target=None):
        if name not in ("server.cli", "server.cli.entry"):
            os.kill(os.getpid(), 2)

import server
for name in ("signal", "enum", "functools", "re"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Interruption())
from server.cli.entry import main
main()
"""


def test_ctrl_c_prints_no_traceback_while_the_first_module_loads() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
