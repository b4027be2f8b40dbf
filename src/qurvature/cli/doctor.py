"""``qurvature doctor`` and ``qurvature cite``."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Any

from cyclopts import Parameter

from .app import Common, command, console, emit
from .render import table

#: Extras and the packages that show their presence.
EXTRAS = {
    "cli": ("cyclopts", "pydantic", "rich"),
    "report": ("altair", "jinja2", "vl_convert"),
    "data": ("sklearn",),
    "quantum": ("qiskit", "qiskit_aer", "nlft_qsp", "qiskit_qasm3_import"),
}

_KERNELS = ("gemm", "cholesky", "lu", "ldl", "eigh", "stream")

BIBTEX = """\
@article{li2024qnewton,
  title         = {{Q-Newton}: Hybrid Quantum-Classical Scheduling for Accelerating Neural Network
                   Training with {Newton}'s Gradient Descent},
  author        = {Li, Pingzhi and Liu, Junyu and Wang, Hanrui and Chen, Tianlong},
  year          = {2024},
  eprint        = {2405.00252},
  archiveprefix = {arXiv}
}

@article{liu2024towards,
  title         = {Towards provably efficient quantum algorithms for large-scale machine-learning
                   models},
  author        = {Liu, Junyu and Liu, Minzhao and Liu, Jin-Peng and Ye, Ziyu and Wang, Yunfei and
                   Alexeev, Yuri and Eisert, Jens and Jiang, Liang},
  journal       = {Nature Communications},
  volume        = {15},
  pages         = {434},
  year          = {2024},
  eprint        = {2303.03428},
  archiveprefix = {arXiv}
}

@software{qurvature,
  title         = {qurvature: curvature for neural networks, solved where it is cheapest},
  version       = %s,
  license       = {Apache-2.0}
}"""


@command("qurvature doctor --recalibrate")
def doctor(
    *,
    recalibrate: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    common: Common = Common(),  # noqa: B008
) -> int:
    """Say what is installed, what is missing, and how fast this machine was measured to be.

    Args:
        recalibrate: Measure this machine again; it takes a few seconds.
        common: Options of every command.
    """
    from qurvature.costs import calibrate
    from qurvature.runs.environment import environment

    env = environment()
    extras = {
        name: [p for p in packages if importlib.util.find_spec(p) is None]
        for name, packages in EXTRAS.items()
    }
    machine = calibrate(force=recalibrate)
    rates = {
        dtype: {kernel: _rate(machine, dtype, kernel) for kernel in _KERNELS}
        for dtype in ("float32", "float64")
    }
    launch = machine["launch_s"]
    if common.json:
        emit(
            {
                "environment": env,
                "missing": extras,
                "calibration": {
                    "description": machine.description,
                    "source": launch.source,
                    "launch_s": launch.value,
                    "rates": rates,
                },
            }
        )
        return 0
    show = console()
    packages = ", ".join(f"{name} {version}" for name, version in env["packages"].items())
    revision = f" ({env['revision']})" if env["revision"] else ""
    show.print(f"qurvature {env['qurvature']}{revision}, Python {env['python']}")
    show.print(f"{packages}; {env['threads']} threads; {env['system']} {env['machine']}")
    for name, absent in extras.items():
        state = (
            "present"
            if not absent
            else f"missing {', '.join(absent)}: pip install 'qurvature[{name}]'"
        )
        show.print(f"extra {name}: {state}")
    show.print(f"\ncpu: {machine.description}; {launch.source}")
    show.print(f"one library call costs {launch.value * 1e6:.2g} µs")
    rows = [
        [
            dtype,
            kernel,
            *(f"{r:.3g}" for r in (figures["small"], figures["large"])),
            figures["unit"],
        ]
        for dtype, kernels in rates.items()
        for kernel, figures in kernels.items()
    ]
    show.print(table(["dtype", "kernel", ">at n = 64", ">at its largest n", "unit"], rows))
    show.print("Measure again with qurvature doctor --recalibrate")
    return 0


def _rate(machine: Any, dtype: str, kernel: str) -> dict[str, Any]:
    from qurvature.hardware import rate_key

    figure = machine[rate_key(dtype, kernel)]
    unit = "byte/s" if kernel == "stream" else "flop/s"
    return {"small": figure.at(64), "large": figure.value, "unit": unit}


@command("qurvature cite > qurvature.bib")
def cite(*, common: Common = Common()) -> int:  # noqa: B008
    """Print BibTeX of the two papers that this rests on, and of qurvature."""
    import qurvature

    text = BIBTEX % f"{{{qurvature.__version__}}}"
    if common.json:
        emit({"bibtex": text})
    else:
        print(text)
    return 0
