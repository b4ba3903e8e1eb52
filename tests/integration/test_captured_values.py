"""Params, metrics and models that ``%%track`` takes from a cell by itself, in a real kernel."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import RunStatus
from jupyter_mlops.journal.records import Context, Metrics, Params, Register
from tests.optional import optional

from .kernel import end, metrics, of, params, running_kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        reply = running.run("import jupyter_mlops as mlops, os, time\nimport numpy as np")
        assert reply.ok, reply.errors
        yield running


@pytest.fixture
def sklearn(kernel):
    optional("sklearn")
    reply = kernel.run(
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.neural_network import MLPClassifier\n"
        "X = np.random.default_rng(0).random((60, 3)); y = (X[:, 0] > 0.5).astype(int)"
    )
    assert reply.ok, reply.errors


def tracked(kernel, cell):
    """The records of a tracked cell that ran well, and its footer."""
    reply = kernel.run(cell)
    assert reply.ok, reply.errors
    assert "jupyter-mlops:" not in reply.text, reply.text
    return kernel.last_run(), reply.footer


def by_source(run):
    found: dict[str, dict[str, object]] = {}
    for record in of(run, Params):
        found.setdefault(record.source, {}).update(record.p)
    return found


def points(run, name):
    return [(record.s, record.m[name]) for record in of(run, Metrics) if name in record.m]


def models(run):
    return [model for record in of(run, Context) for model in record.values.get("models", [])]


# params


def test_what_the_cell_reads_of_earlier_cells_is_a_param_and_marked_as_read(kernel):
    kernel.run(
        "lr = 0.1; name = 'adam'; layers = (64, 32); big = list(range(1000)); frame = np.ones(3); flag = True\n"
        "cfg = {'depth': 3, 'opt': {'eps': 1e-8}}; unread = 5; _private = 2; zero_d = np.float32(0.5); none = None\n"
        "momentum = 0.9\ndef rate(): return lr * momentum\nclass Net:\n    def width(self): return size\nsize = 7"
    )
    run, _ = tracked(
        kernel,
        "%%track\nepochs = 2\nx = rate() + Net().width()\nprint(name, layers, big, frame, flag, cfg, _private, zero_d, none)",
    )
    assert by_source(run) == {
        "literal": {"epochs": 2},
        "read": {
            "lr": 0.1, "name": "adam", "layers": [64, 32], "flag": True, "cfg.depth": 3, "cfg.opt.eps": 1e-8,
            "zero_d": 0.5, "momentum": 0.9, "size": 7,
        },
    }  # fmt: skip


def test_what_the_cell_changes_in_a_config_is_what_is_kept(kernel):
    kernel.run("cfg = {'depth': 3}\nfrom types import SimpleNamespace\nargs = SimpleNamespace(lr=0.1)")
    run, _ = tracked(kernel, "%%track\ncfg['depth'] = 4\nargs.lr = 0.2")
    assert params(run) == {"cfg.depth": 4, "args.lr": 0.2}


def test_configs_that_the_cell_builds_are_params_and_results_are_not(kernel):
    kernel.run(
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    lr: float = 0.1\n    depth: int = 3\nlr = 0.5"
    )
    run, _ = tracked(
        kernel, "%%track\ncfg = Config(depth=4)\nopts = dict(lr=lr, seed=1)\nresults = {'acc': float('0.9')}"
    )
    assert by_source(run)["object"] == {"cfg.lr": 0.1, "cfg.depth": 4, "opts.lr": 0.5, "opts.seed": 1}


def test_arguments_of_estimators_are_params(kernel, sklearn):
    run, footer = tracked(
        kernel, "%%track\nC = 0.5\nmodel = LogisticRegression(C=C, max_iter=100).fit(X, y)\nmodel.score(X, y)"
    )
    assert by_source(run) == {
        "literal": {"C": 0.5},
        "object": {"model": "LogisticRegression", "model.C": 0.5, "model.max_iter": 100},
    }
    assert list(metrics(run)) == ["score"]
    assert "params C=0.5, model=LogisticRegression, model.C=0.5 +1 · metrics score=" in footer
    assert " · model model · " in footer


def test_no_library_is_imported_for_it(tmp_path):
    with running_kernel(tmp_path) as running:
        running.run("%%track\nlr = 0.1\nvalues = [lr]\nclass M: pass\nm = M()\n{'a': 1}")
        known = "{'numpy', 'pandas', 'sklearn', 'torch', 'omegaconf', 'pydantic', 'sqlalchemy', 'papermill', 'nbformat', 'rich'}"
        assert running.value(f"sorted({known} & set(__import__('sys').modules))") == []


def test_more_params_than_the_cap_are_left_out_and_the_footer_says_how_many(kernel):
    kernel.run(
        "from types import SimpleNamespace\nmany = SimpleNamespace(**{f'k{n}': n for n in range(250)})"
    )
    run, footer = tracked(kernel, "%%track\nmany")
    assert len(params(run)) == 200
    assert "params many.k0=0, many.k1=1, many.k2=2 +197 (50 left out)" in footer


def test_values_go_by_the_names_that_the_line_gives_them(kernel):
    kernel.run("cfg = {'opt': {'lr': 0.3}}")
    run, _ = tracked(
        kernel,
        "%%track -p depth:max_depth -p cfg['opt']['lr']:lr -m acc:accuracy -m best.scores[-1] -m best.scores[0]:first\n"
        "depth = 3\nacc = depth / 4\nclass Best: scores = [0.5, 0.75]\nbest = Best()",
    )
    assert params(run) == {"max_depth": 3, "lr": 0.3}
    assert metrics(run) == {"accuracy": 0.75, "best.scores.-1": 0.75, "first": 0.5}


def test_a_path_that_leads_nowhere_is_named(kernel):
    reply = kernel.run("%%track -p cfg['none'] -m cfg.nothing\ncfg = {'a': 1}")
    assert "not found: cfg['none'], cfg.nothing" in reply.footer


def test_a_secret_of_an_earlier_cell_is_in_no_param_and_no_output(kernel):
    kernel.run("api_key = 'hunter2hunter2'")
    reply = kernel.run("%%track\nprint('key:', api_key)")
    assert "hunter2" in reply.text
    assert "hunter2" not in "".join(map(repr, kernel.last_run())) + reply.footer
    assert params(kernel.last_run()) == {"api_key": "[redacted]"}


# metrics


def test_the_last_value_is_metrics_where_it_is_a_mapping_of_scalars(kernel):
    run, _ = tracked(kernel, "%%track\n{'test': {'acc': np.float32(0.5), 'f1': 0.25}, 'n': 3, 'model': 'rf'}")
    assert metrics(run) == {"test/acc": 0.5, "test/f1": 0.25, "n": 3.0}
    run, _ = tracked(kernel, "%%track\n{'a': 1, 'data': [1, 2]}")
    assert metrics(run) == {}


def test_nested_dicts_are_logged_flat_and_what_is_no_number_is_named_whole(kernel):
    run, _ = tracked(kernel, "%%track\nmlops.log({'val': {'acc': 0.5}}, val={'loss': np.float32(2)}, step=1)")
    assert metrics(run) == {"val/loss": 2.0}  # keywords win, as in dict(...)
    reply = kernel.run("%%track\nmlops.log(val={'top': {'acc': 'high'}})")
    assert "Cannot log val/top/acc='high' (str): a metric is a number" in reply.errors[0]["evalue"]
    assert end(kernel.last_run()).status is RunStatus.FAILED


def test_readings_of_clocks_are_no_metrics(kernel):
    run, _ = tracked(
        kernel,
        "%%track\nimport datetime\nt0 = time.time()\ntic = time.perf_counter()\nbegun = datetime.datetime.now().timestamp()\n"
        "when = time.time_ns() // 1000\nelapsed = time.time() - t0",
    )
    assert list(metrics(run)) == ["elapsed"]


def test_a_history_is_a_point_an_epoch_and_only_what_the_cell_added(kernel):
    kernel.run("losses = [9.0, 8.0]; untouched_losses = [1.0, 2.0]")
    run, _ = tracked(
        kernel,
        "%%track\nlen(untouched_losses)\nfor n in (7.0, 6.0): losses.append(n)\nhistory = {'acc': [], 'val_acc': []}\n"
        "for n in range(3):\n    history['acc'].append(n / 2); history['val_acc'].append(n / 4)",
    )
    assert points(run, "losses") == [(2, 7.0), (3, 6.0)]
    assert points(run, "acc") == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert points(run, "val_acc") == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert params(run) == {}


def test_the_history_of_a_fit_is_taken_from_the_object_that_has_it(kernel, sklearn):
    run, _ = tracked(
        kernel,
        "%%track\nimport warnings; warnings.simplefilter('ignore')\nmlp = MLPClassifier(max_iter=4).fit(X, y)",
    )
    assert [step for step, _ in points(run, "loss")] == [0, 1, 2, 3]
    run, _ = tracked(kernel, "%%track\nmlp.predict(X);")
    assert metrics(run) == {}


def test_what_the_cell_logs_itself_wins_over_a_history(kernel):
    run, _ = tracked(
        kernel, "%%track\nhist = {'loss': [1.0, 2.0]}\nhist['loss'].append(3.0)\nmlops.log(loss=0.5)"
    )
    assert metrics(run) == {"loss": 0.5}


def test_ten_thousand_metrics_and_names_in_any_script_are_kept(kernel):
    names = "['损失', 'потеря', 'a b', 'é\\u0301', '🙂', 'tab\\t', 'x' * 500, 'quote\"', '\\ud800', '\\x00']"
    run, _ = tracked(
        kernel,
        f"%%track\nmlops.log({{name: 1 for name in {names}}})\nmlops.log({{f'k{{n}}': n for n in range(10_000)}})",
    )
    found = metrics(run)
    assert {"损失", "потеря", "a b", "é\u0301", "🙂", "tab\t", "x" * 500, 'quote"', "?", "\x00"} <= set(found)
    assert (len(found), found["k9999"]) == (10_010, 9999.0)


# models


def test_a_model_that_the_cell_fits_is_listed_and_one_that_it_only_uses_is_not(kernel, sklearn):
    kernel.run("old = LogisticRegression()")
    run, footer = tracked(kernel, "%%track\nold.fit(X, y)")
    (model,) = models(run)
    assert (model["name"], model["class_name"]) == (
        "old",
        "sklearn.linear_model._logistic.LogisticRegression",
    )
    assert model["size_bytes"] > 0
    assert "model old" in footer
    run, footer = tracked(kernel, "%%track\nold.predict(X);")
    assert models(run) == []
    assert "model old" not in footer


def test_a_network_that_the_cell_trains_is_listed_with_its_parameters(kernel):
    optional("torch")
    kernel.run(
        "import torch\nnet = torch.nn.Linear(4, 1)\ndef train():\n    opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "    net(torch.ones(2, 4)).sum().backward()\n    opt.step()"
    )
    run, _ = tracked(kernel, "%%track\ntrain()\nloss = net(torch.ones(1, 4)).sum()")
    assert [(model["name"], model["parameters"], model["size_bytes"]) for model in models(run)] == [
        ("net", 5, 20)
    ]
    assert list(metrics(run)) == ["loss"]


def test_a_model_is_registered_by_the_line_and_by_one_call(kernel, sklearn):
    run, footer = tracked(
        kernel,
        "%%track --log-model clf --log-model clf=digits\nclf = LogisticRegression().fit(X, y)\nacc = clf.score(X, y)\n"
        "mlops.log_model(clf, 'called', alias='champion')",
    )
    registered = {record.version["name"]: record for record in of(run, Register)}
    assert set(registered) == {"called", "clf", "digits"}
    assert registered["digits"].version["metrics"].keys() == {"acc"}
    assert registered["called"].alias == "champion"
    assert "registered clf@1, digits@1" in footer
    assert kernel.value("mlops.load_model('digits@1').__class__.__name__") == "LogisticRegression"


def test_a_model_that_is_not_there_costs_a_line(kernel):
    reply = kernel.run("%%track --log-model nowhere\n1")
    assert reply.ok
    assert reply.text == "jupyter-mlops: --log-model nowhere: the cell left no variable of that name.\n"


def test_log_model_outside_of_a_run_says_what_to_do(kernel):
    assert kernel.run("mlops.log_model(1, 'x')").errors[0]["ename"] == "NoActiveRun"


# off


def test_no_auto_takes_nothing_by_itself(kernel, sklearn):
    kernel.run("lr = 0.1; cfg = {'a': 1}")
    run, _ = tracked(
        kernel,
        "%%track --no-auto\nmodel = LogisticRegression(C=3).fit(X, y)\nhistory = {'loss': [1.0]}; history['loss'].append(2.0)\n"
        "x = lr * 2\nprint(cfg)\n{'acc': 0.5}",
    )
    assert (params(run), metrics(run), models(run)) == ({}, {}, [])


def test_a_dict_that_is_called_params_is_no_metric(kernel):
    run, _ = tracked(
        kernel, "%%track\nclass Search: best_params_ = {'depth': 3, 'eta': 0.1}\nSearch().best_params_"
    )
    assert metrics(run) == {}
    assert params(run) == {"best_params.depth": 3, "best_params.eta": 0.1}


def test_the_history_of_a_model_is_taken_once_also_where_a_name_holds_it(kernel):
    run, _ = tracked(
        kernel,
        "%%track\nclass Booster:\n    def __init__(self): self.evals_result_ = {'valid': {'auc': [0.5, 0.6]}}\n"
        "booster = Booster()\nhistory = booster.evals_result_",
    )
    assert points(run, "valid/auc") == [(0, 0.5), (1, 0.6)]
    assert set(metrics(run)) == {"valid/auc"}
