"""W&B offline: what it writes can be read only after an upload, so nothing is read here."""

import os
import sys

from stopwatch import import_ms, median_ms, say, say_quantiles

os.chdir(sys.argv[1])
os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": sys.argv[1]}
os.environ |= {"WANDB_DISABLE_CODE": "true", "WANDB_ERROR_REPORTING": "false"}
try:
    import wandb
except ImportError:
    sys.exit(3)

say(name="wandb offline", version=wandb.__version__)
say(import_ms=import_ms("import wandb"))


def empty_run():
    wandb.init(project="bench").finish()


say(run_ms=median_ms(empty_run, rounds=5))
run = wandb.init(project="bench")
say_quantiles(lambda step: run.log({"loss": 0.5}, step=step))
run.finish()
