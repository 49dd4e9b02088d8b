"""Every command as a user calls it: output, JSON, exit codes, one line for each error."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from henon_rows import henon

import chaoskit
from chaoskit.cli import main
from chaoskit.report import demo as demo_module
from chaoskit.timeseries import choose_delay


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A series as text and as an array, a later one, one column, and a model trained from the shell."""
    folder = tmp_path_factory.mktemp("cli")
    series = henon(3000)
    np.savetxt(folder / "series.csv", series, delimiter=",", header="x,y", comments="")
    np.save(folder / "series.npy", series)
    np.save(folder / "later.npy", henon(1000, 0.2))
    np.save(folder / "column.npy", series[:, 0])
    arguments = ["--dt", "0.5", "--tau", "2", "--epochs", "8", "--sequence-length", "20", "--n-hidden", "10"]
    assert main(["train", str(folder / "series.csv"), "--output", str(folder / "m.npz"), *arguments]) == 0
    return folder


def parsed(capsys) -> dict:
    """The JSON on stdout; constants that are no JSON are an error."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(capsys.readouterr().out, parse_constant=refuse)


def one_error(capsys, arguments, *words: str) -> str:
    """The one line on stderr of a call that has to fail with exit code 2."""
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("chaoskit: error: ")
    for word in words:
        assert word in lines[0]
    return lines[0]


def test_analyze(files, capsys):
    assert main(["analyze", str(files / "series.csv"), "--dt", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "exponent" in out
    assert "forcing interval     1 steps" in out
    assert "Sparse(tau=1)" in out
    assert "latent states" in out
    assert main(["analyze", str(files / "series.npy"), "--dt", "0.5", "--json"]) == 0
    values = parsed(capsys)
    assert values["exponent"] == pytest.approx(0.838, rel=0.1)
    assert values["recommended_tau"] == 1
    assert values["predictability_time"] == pytest.approx(np.log(2) / values["exponent"])
    assert {row["what"] for row in values["recommendation"]} >= {"forcing", "sampling"}
    assert all(row["reason"] for row in values["recommendation"])


def test_analyze_without_chaos_is_valid_json(tmp_path, capsys):
    np.save(tmp_path / "wave.npy", np.sin(0.1 * np.arange(3000)))
    assert main(["analyze", str(tmp_path / "wave.npy"), "--json"]) == 0
    values = parsed(capsys)
    assert values["recommended_tau"] is None
    assert values["predictability_time"] is None
    assert main(["analyze", str(tmp_path / "wave.npy")]) == 0
    assert "no chaos was shown" in capsys.readouterr().out


def test_a_driven_network_from_the_shell(files, tmp_path, capsys):
    drive = np.random.default_rng(0).standard_normal(1600)
    x = np.zeros((1600, 1))
    for t in range(1599):
        x[t + 1] = 0.7 * x[t] + drive[t]
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "u.npy", drive)
    model, series = str(tmp_path / "m.npz"), str(tmp_path / "x.npy")
    inputs = ["--inputs", str(tmp_path / "u.npy")]
    arguments = [
        "--cell", "linear", "--dimension", "1", "--forcing", "generalized", "--alpha", "0.5",
        "--epochs", "30", "--sequence-length", "10", "--learning-rate", "0.05",
        "--optimizer", "radam", "--restarts", "2",
        "--validation-share", "0.25", "--checkpoint", str(tmp_path / "c.npz"),
    ]  # fmt: skip
    assert main(["train", series, "--output", model, *inputs, *arguments]) == 0
    assert "Generalized(alpha=0.5)" in capsys.readouterr().out
    assert (tmp_path / "c.1.npz").exists()
    assert main(["lyapunov", model, *inputs, "--json"]) == 0
    assert parsed(capsys)["exponents"][0] == pytest.approx(np.log(0.7), abs=1e-2)
    assert main(["evaluate", model, series, *inputs, "--json"]) == 0
    assert parsed(capsys)["prediction_error"] < 1e-3
    one_error(capsys, ["evaluate", model, series], "inputs: expected shape")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--forcing", "generalized"], "expected --alpha with it"),
        (["--forcing", "windowed"], "expected --tau with it"),
        (["--alpha", "0.5"], "--alpha: expected with --forcing generalized only"),
        (
            ["--forcing", "never", "--tau", "3"],
            "--tau: expected with --forcing sparse, annealed, windowed or truncated only",
        ),
        (["--forcing", "often"], "invalid choice"),
        (["--forcing", "annealed"], "expected --tau with it"),
        (["--start", "2", "--tau", "4"], "--start: expected with --forcing annealed only"),
        (["--jitter", "1"], "--jitter: expected --tau with it"),
        (["--forcing", "adaptive", "--jitter", "1"], "--jitter: expected with --forcing sparse only"),
        (["--estimator", "mean"], "--estimator: expected with --forcing adaptive only"),
        (["--forcing", "adaptive", "--estimator", "least"], "invalid choice"),
    ],
)
def test_forcings_that_do_not_fit(options, words, files, tmp_path, capsys):
    one_error(capsys, ["train", files / "series.csv", "-o", tmp_path / "m.npz", *options], words)


def test_train_embeds_one_column_and_evaluate_follows(files, tmp_path, capsys):
    model = tmp_path / "embedded.npz"
    arguments = ["--tau", "2", "--epochs", "1", "--dimension", "3", "--delay", "1", "--json"]
    assert main(["train", str(files / "column.npy"), "--output", str(model), *arguments]) == 0
    values = parsed(capsys)
    assert (values["tau"], values["dimension"], values["columns"]) == (2, 3, 1)
    assert chaoskit.load(model).settings["embedding"] == {"delay": 1, "dimension": 3}
    assert main(["evaluate", str(model), str(files / "column.npy"), "--json"]) == 0
    values = parsed(capsys)
    assert values["embedding"] == {"delay": 1, "dimension": 3}
    assert values["prediction_error"] is None or values["prediction_error"] > 0
    assert len(values["exponents"]) == 3
    column = str(files / "column.npy")
    assert main(["evaluate", str(model), column, "--train", column, "--json"]) == 0
    assert {tuple(e["embedding"]) for e in parsed(capsys)["baselines"].values()} == {(1, 3)}
    one_error(capsys, ["evaluate", model, files / "later.npy"], "expected 1 columns")


def test_train_takes_tau_from_the_data(files, tmp_path, capsys):
    model = tmp_path / "m.npz"
    arguments = ["train", files / "series.npy", "--output", model, "--epochs", "1", "--sequence-length", "20"]
    assert main([str(a) for a in arguments]) == 0
    assert "Sparse(tau=1) (exponent 0.4" in capsys.readouterr().out
    assert chaoskit.load(model).tau == 1


def trained(files, tmp_path, capsys, *options: str) -> dict:
    """The JSON of a training for an instant on the series with two columns."""
    capsys.readouterr()
    call = [
        "train",
        files / "series.csv",
        "-o",
        tmp_path / "m.npz",
        "--epochs",
        "1",
        "--sequence-length",
        "20",
    ]
    quick = ["--option", "batches_per_epoch=2", "--json"]
    assert main([str(a) for a in (*call, *quick, *options)]) == 0
    return parsed(capsys)


@pytest.mark.parametrize(
    ("options", "forcing"),
    [
        (["annealed", "--tau", "8", "--start", "2"], "Annealed(start=2, stop=8)"),
        (["annealed", "--tau", "8"], "Annealed(start=1, stop=8)"),
        (["sparse", "--tau", "4", "--jitter", "2"], "Sparse(tau=4, jitter=2)"),
        (["adaptive", "--estimator", "mean"], "AdaptiveGeneralized(estimator='mean'"),
    ],
)
def test_ways_of_forcing(options, forcing, files, tmp_path, capsys):
    assert trained(files, tmp_path, capsys, "--forcing", *options)["forcing"].startswith(forcing)


def test_what_has_no_option_of_its_own(files, tmp_path, capsys):
    settings = trained(
        files, tmp_path, capsys, "--tau", "2", "--cell", "dendplrnn", "--cell-option", "n_bases=3",
        "--option", "gradient_clip=inf", "--option", "dtype=float64", "--option", "input-noise=0.1",
        "--option", "weight_decay=None",
    )["settings"]  # fmt: skip
    assert settings["cell_options"] == {"n_bases": 3}
    assert (settings["dtype"], settings["input_noise"], settings["weight_decay"]) == ("float64", 0.1, None)
    assert settings["batches_per_epoch"] == 2
    start = ["train", files / "series.csv", "-o", tmp_path / "m.npz", "--tau", "2"]
    names = "--option: expected one of batches_per_epoch, final_learning_rate, gradient_clip, "
    one_error(capsys, [*start, "--option", "clip=1"], names, "got 'clip'")
    one_error(capsys, [*start, "--option", "epochs=1"], names, "epochs has an option of its own")
    one_error(capsys, [*start, "--option", "threads"], "--option: expected NAME=VALUE, got 'threads'")
    one_error(capsys, [*start, "--option", "threads=1", "--option", "threads=2"], "threads is given twice")
    one_error(capsys, [*start, "--option", "threads=many"], "threads: expected a whole number")
    one_error(capsys, [*start, "--cell-option", "n_heads=3"], "n_heads")
    twice = ["--n-hidden", "3", "--cell-option", "n_hidden=4"]
    one_error(capsys, [*start, *twice], "n_hidden is given by --n-hidden already")


def test_options_of_their_own_are_keywords_of_fit():
    from chaoskit.cli import training

    assert set(inspect.signature(chaoskit.fit).parameters) >= training._OWN


@pytest.mark.parametrize(
    ("output", "checkpoint"), [("m.npz", "m.npz"), ("m.npz", "./m.npz"), ("m.1.npz", "m.npz")]
)
def test_a_checkpoint_is_not_where_the_model_goes(output, checkpoint, files, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = ["train", files / "series.csv", "-o", output, "--checkpoint", checkpoint, "--restarts", "2"]
    one_error(capsys, call, "--checkpoint: expected another file than --output")
    assert list(tmp_path.iterdir()) == []


def test_an_embedding_does_not_look_at_the_held_out_end(tmp_path, capsys):
    fast, slow = henon(1500)[:, 0], np.sin(0.05 * np.arange(1500)) * 3
    np.save(tmp_path / "x.npy", np.concatenate([fast, slow]))
    assert choose_delay(np.concatenate([fast, slow])) > 1 == choose_delay(fast)
    for options in ([], ["--dimension", "2"]):
        call = ["train", str(tmp_path / "x.npy"), "-o", str(tmp_path / "m.npz"), "--validation-share", "0.5"]
        quick = ["--epochs", "1", "--option", "batches_per_epoch=1", "--tau", "2", "--sequence-length", "20"]
        assert main([*call, *quick, "--json", *options]) == 0
        assert parsed(capsys)["delay"] == 1


def test_columns_are_picked(files, tmp_path, capsys):
    series = henon(1000)
    lines = [f"day {k},{x},note,{y}" for k, (x, y) in enumerate(series)]
    (tmp_path / "wide.csv").write_text("\n".join(["time,x,said,y", *lines]))
    wide = str(tmp_path / "wide.csv")
    assert main(["analyze", wide, "--columns", "4,2", "--json"]) == 0
    assert parsed(capsys)["columns"] == 2
    call = ["train", wide, "--columns", "2,4", "-o", str(tmp_path / "m.npz"), "--tau", "2", "--epochs", "1"]
    assert main([*call, "--option", "batches_per_epoch=2", "--sequence-length", "20"]) == 0
    out = capsys.readouterr().out
    assert f"chaoskit evaluate {tmp_path / 'm.npz'} LATER --train {wide} --columns 2,4" in out
    np.testing.assert_allclose(chaoskit.load(tmp_path / "m.npz").context, series[-1:])
    assert main(["evaluate", str(tmp_path / "m.npz"), wide, "--columns", "2,4", "--json"]) == 0
    assert parsed(capsys)["n_true"] == 1000
    one_error(capsys, ["analyze", wide, "--columns", "5"], "has 4 columns, got column 5")
    one_error(capsys, ["analyze", wide, "--columns", "z"], "got column 'z' for columns")
    one_error(capsys, ["analyze", wide, "--columns", "1,,2"], "--columns: expected numbers or names")
    one_error(capsys, ["analyze", wide, "--columns", "2,2"], "columns: expected different ones")


def test_forecasts_beyond_the_series_are_a_remark(files, capsys):
    call = ["evaluate", str(files / "m.npz"), str(files / "later.npy"), "--horizon", "900"]
    assert main(call) == 0
    assert "the series is too short for forecasts 900 steps ahead" in capsys.readouterr().out


def test_lyapunov(files, capsys):
    assert main(["lyapunov", str(files / "m.npz"), "--steps", "2000"]) == 0
    out = capsys.readouterr().out
    assert "exponent per unit time" in out
    assert "Kaplan-Yorke dimension" in out
    assert main(["lyapunov", str(files / "m.npz"), "--steps", "2000", "-k", "1", "--json"]) == 0
    values = parsed(capsys)
    assert len(values["exponents"]) == len(values["stderr"]) == 1
    assert values["units"] == "per unit time"
    assert values["dt"] == 0.5


def test_evaluate(files, capsys):
    assert main(["evaluate", str(files / "m.npz"), str(files / "later.npy")]) == 0
    assert "state-space divergence" in capsys.readouterr().out
    assert main(["evaluate", str(files / "m.npz"), str(files / "later.npy"), "--json"]) == 0
    values = parsed(capsys)
    assert values["state_space_divergence"] >= 0
    assert values["state_space_floor"] > 0
    assert len(values["exponents"]) == 2


def test_evaluate_beside_baselines(files, tmp_path, capsys):
    call = ["evaluate", str(files / "m.npz"), str(files / "later.npy"), "--train"]
    assert main([*call, str(files / "series.csv")]) == 0
    out = capsys.readouterr().out
    for word in ("echo-state network", "Gaussian noise", "exponent 1", "next-generation reservoir by "):
        assert word in out
    assert main([*call, str(files / "series.csv"), "--json"]) == 0
    values = parsed(capsys)
    assert len(values["baselines"]) == 5
    assert values["baselines"]["next-generation reservoir"]["prediction_error"] < values["prediction_error"]
    assert values["better_baselines"]["prediction error"][0] == "next-generation reservoir"
    one_error(capsys, [*call, files / "column.npy"], "column.npy", "expected 2 columns")
    np.save(tmp_path / "short.npy", henon(150))
    assert main([*call, str(tmp_path / "short.npy")]) == 0
    assert "the echo-state network was left out" in capsys.readouterr().out


def test_demo_prints_its_table(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    from chaoskit.cli import commands
    from chaoskit.report.cases import Case

    options = {"batch_size": 2, "batches_per_epoch": 5, "epochs": 1, "sequence_length": 20}
    case = Case("henon", "Hénon", _column, "step", 1, 2, 1, options, 30)
    monkeypatch.setattr(
        commands, "run_demo", lambda output, **o: demo_module.run_demo(output, cases=[case], workers=1, **o)
    )
    assert main(["demo", "--output", str(tmp_path), "--quick", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    for word in (
        "Hénon", "floor", "linear autoregression with noise", "echo-state network", "tau 30", "say nothing",
        "better than tau 30", "Better than the network (ShPLRNN): ", "by state-space divergence (",
    ):  # fmt: skip
        assert word in captured.out
    assert "\r" not in captured.err  # no bar where there is no terminal
    assert main(["demo", "--output", str(tmp_path), "--quick", "--json"]) == 0
    assert parsed(capsys)["cases"]["henon"]["tau"] == 1


def _column() -> tuple[np.ndarray, float]:
    return henon(1500)[:, 0], 1.0


def test_bad_series(files, tmp_path, capsys):
    model = tmp_path / "m.npz"

    def train(array, *words, options=()):
        np.save(tmp_path / "bad.npy", array)
        one_error(capsys, ["train", tmp_path / "bad.npy", "--output", model, *options], *words)

    good = henon(500)
    train(np.zeros((4, 4, 4)), "shape")
    train(np.where(np.arange(1000).reshape(500, 2) == 7, np.nan, good), "finite", "row 3")
    train(np.where(np.arange(1000).reshape(500, 2) == 7, np.inf, good), "finite")
    train(np.ones((500, 2)), "never changes")
    train(good[:5], "rows")
    train(good[:30, 0], "longer series", options=["--delay", "20", "--dimension", "4"])
    train(good[:10], "rows", options=["--tau", "2"])
    train(good.T, "transpose")
    one_error(capsys, ["analyze", tmp_path / "missing.csv"], "no such file")
    one_error(capsys, ["analyze", tmp_path], "cannot be read")
    (tmp_path / "text.csv").write_text("1,2\n3,x\n")
    one_error(capsys, ["analyze", tmp_path / "text.csv"], "line 2")
    (tmp_path / "empty.csv").write_text("")
    one_error(capsys, ["analyze", tmp_path / "empty.csv"], "empty")
    assert not model.exists()


def test_bad_options(files, tmp_path, capsys):
    series, model = files / "series.npy", tmp_path / "m.npz"
    start = ["train", series, "--output", model]
    one_error(capsys, [*start, "--cell", "rnn"], "shplrnn", "'rnn'")
    one_error(capsys, [*start, "--tau", "500", "--sequence-length", "100"], "tau=500", "100")
    one_error(capsys, [*start, "--tau", "0"], "at least 1")
    one_error(capsys, [*start, "--dt", "-1"], "dt")
    one_error(capsys, [*start, "--epochs", "many"], "--epochs", "--help")
    one_error(capsys, [*start, "--n-states", "1", "--tau", "2"], "n_states")
    one_error(capsys, [*start, "--cell", "tanh", "--n-hidden", "5", "--tau", "2"], "n_hidden")
    one_error(capsys, ["train", series, "--output", tmp_path / "m.txt"], ".npz")
    one_error(capsys, ["train", series, "--output", tmp_path / "no" / "m.npz"], "folder")
    one_error(capsys, ["train", series], "--output")
    one_error(capsys, ["lyapunov", files / "m.npz", "-k", "9"], "at most 2")
    one_error(capsys, [], "COMMAND")
    one_error(capsys, ["learn"], "learn")


def test_a_series_without_chaos_says_to_give_tau(tmp_path, capsys):
    wave = 0.3 * np.arange(2000)
    np.save(tmp_path / "wave.npy", np.column_stack([np.sin(wave), np.cos(wave)]))
    one_error(capsys, ["train", tmp_path / "wave.npy", "--output", tmp_path / "m.npz"], "Sparse(tau)")


def test_bad_models(files, tmp_path, capsys):
    one_error(capsys, ["lyapunov", tmp_path / "missing.npz"], "no such file")
    (tmp_path / "broken.npz").write_bytes(b"PK broken")
    one_error(capsys, ["lyapunov", tmp_path / "broken.npz"], "expected a model saved by chaoskit")
    one_error(capsys, ["evaluate", files / "series.csv", files / "series.csv"], "expected a model")
    one_error(capsys, ["evaluate", files / "m.npz", files / "column.npy"], "expected 2 columns", "got 1")


def test_warnings_are_one_line(files, capsys, monkeypatch):
    import warnings

    from chaoskit.cli import commands

    def warn(arguments):
        warnings.warn("look\nhere", chaoskit.ChaoskitWarning, stacklevel=1)
        warnings.warn("of another package", RuntimeWarning, stacklevel=1)

    monkeypatch.setitem(commands.COMMANDS, "analyze", warn)
    assert main(["analyze", "x"]) == 0
    assert capsys.readouterr().err == "chaoskit: warning: look here\n"
