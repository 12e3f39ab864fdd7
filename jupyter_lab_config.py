"""Settings of the JupyterLab that is started in this folder (`make lab`).

python -m jupyterlab --config jupyter_lab_config.py
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821 (Jupyter defines it)

# It opens on the learner's copies, the course one folder up.
Path("work").mkdir(exist_ok=True)
c.LabApp.default_url = "/lab/tree/work"

# It would ask the package index for a newer version at each start, and the reader
# whether to fetch news (.jupyter/labconfig answers that).
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
os.environ.setdefault("JUPYTER_CONFIG_PATH", str(Path(".jupyter").resolve()))
