"""What people read of a job beside its status."""

from __future__ import annotations

from typing import Any

from ...entities import Job, Resources, Used
from ..quantities import counted, duration_text, size_text, spoken


def placing_facts(job: Job) -> dict[str, Any]:
    """Where a job runs and why there, what it asks for, why it ended and what it used; empty texts too."""
    spec = job.spec
    return {
        "executor": job.executor or " or ".join(spec.executors or [spec.executor]),
        "chosen": job.choice,
        "asks for": asked_text(spec.resources, learned=spec.learned),
        "expected": duration_text(spec.expected_s),
        "attempt": job.attempt if job.attempt > 1 or spec.retries else "",
        "cause": job.cause.value if job.cause else "",
        "used": used_text(job.used),
        "warning": job.warning,
    }


def asked_text(wanted: Resources, *, learned: list[str]) -> str:
    """``2 GPUs, 4 CPU cores, 8.0 GiB of memory (learned), at most 2 h``."""
    parts = [
        ("gpus", f"{wanted.gpus:g} GPU{'s' if wanted.gpus > 1 else ''}" if wanted.gpus else ""),
        ("gpu_memory_bytes", f"{size_text(wanted.gpu_memory_bytes or 0)} of GPU memory"),
        ("cpus", counted(wanted.cpus, "CPU core")),
        ("memory_bytes", f"{size_text(wanted.memory_bytes or 0)} of memory"),
        ("time_limit_s", f"at most {spoken(wanted.time_limit_s or 0)}"),
    ]
    return ", ".join(
        f"{words} (learned)" if name in learned else words for name, words in parts if getattr(wanted, name)
    )


def used_text(used: Used | None) -> str:
    """``1.2 GiB of memory, 12 min of CPU, 3.1 GiB of GPU memory, GPU 45% busy``; empty where nobody knows."""
    if used is None:
        return ""
    parts = [
        "" if used.memory_bytes is None else f"{size_text(used.memory_bytes)} of memory",
        "" if used.cpu_s is None else f"{duration_text(used.cpu_s)} of CPU",
        "" if used.gpu_memory_bytes is None else f"{size_text(used.gpu_memory_bytes)} of GPU memory",
        "" if used.gpu_load is None else f"GPU {100 * used.gpu_load:.0f}% busy",
        f"GPU idle for {duration_text(used.gpu_idle_s)}" if used.gpu_idle_s else "",
    ]
    return ", ".join(filter(None, parts))
