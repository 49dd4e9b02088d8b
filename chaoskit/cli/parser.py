"""Arguments of the command line."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

_FILE = (
    "series: .npy of shape (T,) or (T, D), .npz with --key, .parquet, or text with one row a line (commas, "
    "semicolons, tabs or spaces; also compressed by gzip)"
)
_EPILOG = """\
examples:
  chaoskit demo --output demo
  chaoskit analyze series.csv --dt 0.01
  chaoskit train series.csv --dt 0.01 --output model.npz
  chaoskit train series.csv --dt 0.01 --report
  chaoskit lyapunov model.npz
  chaoskit gradients --output gradients.png
  chaoskit gradients model.npz series.csv --output gradients.png
  chaoskit evaluate model.npz later.csv --train series.csv
  chaoskit sweep sweep.toml --processes 2
  chaoskit reproduce lorenz63 --quick

Exit codes: 0 done, 2 something was wrong with the input (one line on stderr says what), 130 interrupted.
"""


class UsageError(Exception):
    """Wrong arguments; the message is for the user."""


class _Parser(argparse.ArgumentParser):
    """Leaves the printing and the exit to `main`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """The parser of `chaoskit`."""
    parser = _Parser(
        prog="chaoskit",
        description="Train recurrent networks on chaotic series and measure what they have learned.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_demo, _train, _analyze, _lyapunov, _gradients, _evaluate, _sweep, _reproduce):
        add(commands)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Any, dest: str, **options: Any):
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: Any, *_: Any) -> None:
        from .. import __version__

        print(f"chaoskit {__version__}")
        parser.exit()


def _command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def _demo(commands: Any) -> None:
    parser = _command(
        commands, "demo", "reconstruct two measured series and compare with baselines",
        "Train on an electrocardiogram and on a chaotic laser, run the networks freely, and compare them on "
        "held-out data with reservoirs, linear autoregression and noise, with a forcing interval far too "
        "large, and with the floor (the distance between two halves of the data). Takes a few minutes on two "
        'cores. Needs pip install "chaoskit[examples]".',
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="DIR", default="chaoskit-demo",
        help="folder for models, pages, pictures and demo.json (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="train for seconds only: a check, not a result")
    parser.add_argument("--seed", type=int, default=0, help="of trainings and noise (default: %(default)s)")


def _train(commands: Any) -> None:
    parser = _command(
        commands, "train", "train a network on a series",
        "Train a network by sparsely forced backpropagation through time. The forcing interval is half the "
        "predictability time ln 2 / lambda, estimated from the series, unless --tau gives it. A series with "
        "one column is delay-embedded.",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help=_FILE)
    parser.add_argument(
        "-o", "--output", metavar="MODEL.npz",
        help="where to save the model (with --report it may be left out: FILE-model.npz, in this folder)",
    )  # fmt: skip
    _series_options(parser)
    parser.add_argument(
        "--inputs", metavar="FILE", help="what drives the system: one row for each row of FILE"
    )
    parser.add_argument(
        "--dimension", type=int, metavar="M",
        help="delayed copies of each column; 1 for none (default: from the data for one column, else 1)",
    )  # fmt: skip
    for add in (_network_options, _forcing_options, _training_options, _judging_options, _report_options):
        add(parser)


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", metavar="PAGE.html", nargs="?", const="",
        help="hold the end of the series out, and write one HTML page about data, training and network, "
        "judged by that end (default: beside the model)",
    )  # fmt: skip
    parser.add_argument(
        "--test-share", type=float, metavar="SHARE", help="part that is held out (default: 0.2)"
    )
    parser.add_argument("--time-unit", metavar="NAME", help="of dt, such as s, for the page")
    parser.add_argument(
        "--true-exponents", type=_numbers, metavar="L1,L2,...",
        help="of the true system per unit time, where they are known",
    )  # fmt: skip


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 0.9,0,-14.6, got {text!r}") from None


def _series_options(parser: argparse.ArgumentParser) -> None:
    """What `train` and `analyze` have in common."""
    parser.add_argument(
        "--dt", type=float, help="time between two rows (default: from the time column, or else 1)"
    )
    _reading_options(parser)
    parser.add_argument(
        "--delay", type=int, metavar="STEPS", help="of the embedding (default: from the data)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def _reading_options(parser: argparse.ArgumentParser) -> None:
    """How files are read, the same for every command that reads a series."""
    parser.add_argument(
        "--columns", type=_columns, metavar="1,2,...",
        help="columns to take, counted from 1 or by name, in the order of the file (default: all others)",
    )  # fmt: skip
    parser.add_argument(
        "--time-column", type=_column, metavar="COLUMN",
        help="column with the time of each row, by number or name: its step is dt, gaps in it are refused",
    )  # fmt: skip
    parser.add_argument("--key", metavar="NAME", help="array of an .npz archive")
    parser.add_argument(
        "--segments", action="store_true",
        help="cut the series at gaps and missing values instead of refusing them",
    )  # fmt: skip


def _column(text: str) -> int | str:
    return int(text) if text.strip().isdigit() else text.strip()


def _columns(text: str) -> list[int | str]:
    columns = [_column(part) for part in text.split(",")]
    if "" in columns:
        raise argparse.ArgumentTypeError(f"expected numbers or names such as 1,2 or x,y, got {text!r}")
    return columns


def _network_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cell", default="shplrnn",
        help="class of chaoskit.cells, such as plrnn or lstm (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--n-states", type=int, metavar="N",
        help="units (default: as many as columns, each forced to its own column)",
    )  # fmt: skip
    parser.add_argument("--n-hidden", type=int, metavar="K", help="hidden units of shplrnn (default: 50)")
    parser.add_argument(
        "--cell-option", action="append", default=[], metavar="NAME=VALUE",
        help="further argument of the cell's init, such as n_bases=10 (may be given again)",
    )  # fmt: skip
    parser.add_argument(
        "--latent-state", choices=("inversion", "identity", "learned"), default="inversion",
        help="how data set more states than columns (default: %(default)s)",
    )  # fmt: skip


def _forcing_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--forcing", default="sparse",
        choices=("sparse", "annealed", "generalized", "adaptive", "windowed", "truncated", "never"),
        help="how the network is forced back to the data (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--tau", type=int, metavar="STEPS",
        help="forcing interval, of annealed forcing the last one (default: from the data)",
    )  # fmt: skip
    parser.add_argument(
        "--start", type=int, metavar="STEPS", help="first interval of annealed forcing (default: 1)"
    )
    parser.add_argument(
        "--jitter", type=int, metavar="STEPS", help="draw tau of each batch from this far around --tau"
    )
    parser.add_argument("--alpha", type=float, help="strength of generalized forcing, 0 to 1")
    parser.add_argument(
        "--estimator", choices=("geometric_mean", "maximum", "mean", "product", "weights"),
        help="what adaptive forcing measures of the Jacobians (default: geometric_mean)",
    )  # fmt: skip


def _training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sequence-length", type=int, metavar="STEPS", help="of a training window")
    parser.add_argument("--epochs", type=int, help="of 100 updates each")
    parser.add_argument("--batch-size", type=int, metavar="B", help="windows of an update")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="step size at the start")
    parser.add_argument(
        "--optimizer", choices=("adam", "adamw", "radam"), default="adam", help="default: %(default)s"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="further keyword of chaoskit.fit, such as gradient_clip=1 or dtype=float64 (may be given again)",
    )  # fmt: skip
    parser.add_argument("--checkpoint", metavar="FILE.npz", help="where a broken-off training goes on from")


def _judging_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--validation-share", type=float, default=0.0, metavar="SHARE",
        help="part of the series, at its end, that judges the training instead of taking part (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=int, metavar="CHECKS", help="end after so many without improvement"
    )
    parser.add_argument(
        "--restarts", type=int, default=1, metavar="N", help="trainings from N seeds; the best is kept"
    )


def _analyze(commands: Any) -> None:
    parser = _command(
        commands, "analyze", "estimate the largest Lyapunov exponent of a series",
        "Estimate the largest Lyapunov exponent of a series without equations, with a 95 % interval, the "
        "predictability time ln 2 / lambda, and what follows from it for a training: forcing, window, "
        "sampling, embedding and the number of states.",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help=_FILE)
    _series_options(parser)
    parser.add_argument(
        "--dimension", type=int, metavar="M", help="of the embedding (default: from the data)"
    )
    parser.add_argument(
        "--surrogates", type=int, default=0, metavar="N",
        help="compare with N series of coloured noise of each kind, e.g. 39 (default: none)",
    )  # fmt: skip


def _lyapunov(commands: Any) -> None:
    parser = _command(
        commands, "lyapunov", "Lyapunov spectrum of a trained network's free run",
        "Lyapunov exponents of the closed loop, per unit time of the training series, with standard errors "
        "and the Kaplan-Yorke dimension.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="model saved by chaoskit (.npz)")
    parser.add_argument("--steps", type=int, default=50_000, help="of the average (default: %(default)s)")
    parser.add_argument("--inputs", metavar="FILE", help="of a driven network, one row a step")
    parser.add_argument("-k", type=int, metavar="COUNT", help="leading exponents (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def _gradients(commands: Any) -> None:
    parser = _command(
        commands, "gradients", "would backpropagation through time explode, and how fast",
        "Norms of the gradients of state and loss against the number of steps, in logarithms. Without a "
        "model: the figure of the theory, of networks on a stable cycle, on an invariant circle and on "
        "chaos. With a model: along its free run, or, with a series, along the orbit that starts from the "
        "first row, without forcing and with the interval that the model was trained with.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", nargs="?", help="model saved by chaoskit (.npz)")
    parser.add_argument("series", metavar="FILE", nargs="?", help=_FILE)
    parser.add_argument("--steps", type=int, default=400, help="length T of the orbit (default: %(default)s)")
    parser.add_argument("--inputs", metavar="FILE", help="of a driven network, one row a step")
    _reading_options(parser)
    parser.add_argument("-o", "--output", metavar="PICTURE.png", help="draw them into this file")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the chaotic network, without a model (default: %(default)s)"
    )


def _evaluate(commands: Any) -> None:
    parser = _command(
        commands, "evaluate", "compare a trained network with data it has not seen",
        "Run the network freely and compare with the series: state-space divergence, spectral distance, "
        "prediction error, each beside its floor, and the exponents of the closed loop. The series has the "
        "columns of the one trained on, and is embedded as that one was. With --train, reservoirs, linear "
        "autoregression and noise are fitted on that series and judged alike, and it is said when one "
        "is better.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="model saved by chaoskit (.npz)")
    parser.add_argument("file", metavar="FILE", help=_FILE)
    parser.add_argument(
        "--train", metavar="FILE", help="series the model was trained on: fit the baselines on it and compare"
    )
    _reading_options(parser)
    parser.add_argument("--inputs", metavar="FILE", help="of a driven network, one row for each row of FILE")
    parser.add_argument(
        "--horizon", type=int, default=20, metavar="STEPS", help="of the forecasts (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def _sweep(commands: Any) -> None:
    parser = _command(
        commands, "sweep", "train and judge every point of a grid",
        "Train a network for every combination of a grid and judge each on held-out data, side by side in "
        "processes. Each point is kept as soon as it is finished: the same command goes on where it was "
        "broken off. The configuration is a TOML file with data, [fixed] keywords and a [grid]; see "
        "docs/sweeps.md.",
    )  # fmt: skip
    parser.add_argument("config", metavar="CONFIG.toml", help="data sets, fixed keywords and the grid")
    parser.add_argument(
        "--out", metavar="DIR",
        help="folder of the points and of results.csv (default: out of the file, or its name without .toml)",
    )  # fmt: skip
    parser.add_argument(
        "--processes", type=int, metavar="N", help="side by side (default: one for each core)"
    )
    parser.add_argument("--retry-failed", action="store_true", help="compute failed points again")


def _reproduce(commands: Any) -> None:
    parser = _command(
        commands, "reproduce", "compute an experiment of arXiv 2110.07238 anew",
        "Make the data from their equations, train with the published settings and several seeds, judge by "
        "the published measures and by corrected ones, beside baselines and floors, and write tables and a "
        "figure. Hours for a whole experiment; the same command goes on where it was broken off. See "
        "docs/paper.md.",
    )  # fmt: skip
    parser.add_argument(
        "name", metavar="NAME",
        help="lorenz63, roessler, duffing, lorenz2d, mackey_glass (over the forcing interval), baselines "
        "(other schemes), gtf (generalized forcing) or theorems (gradient figures)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="DIR", default="chaoskit-paper",
        help="folder for tables, figures and finished trainings (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="minutes, with few updates: a check, no result")
    parser.add_argument("--seeds", type=int, metavar="N", help="trainings of each setting (default: 3)")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="side by side (default: one for each core)"
    )
