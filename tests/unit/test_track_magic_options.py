"""What stands on the ``%%track`` line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_mlops.magics.named_values import NamedValue, parse_named
from jupyter_mlops.magics.options import parse_track
from jupyter_mlops.magics.refusals import BadArguments


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        ("lr", "lr", "lr"),
        ("lr:rate", "lr", "rate"),
        ("acc:val/acc", "acc", "val/acc"),
        ("history.best", "history.best", "history.best"),
        ("cfg['lr']", "cfg['lr']", "cfg.lr"),
        ('cfg["a b"][0]:first', 'cfg["a b"][0]', "first"),
        ("scores[-1].mean", "scores[-1].mean", "scores.-1.mean"),
        ("größe", "größe", "größe"),
    ],
)
def test_a_value_is_named_by_its_path_or_by_another_name(text, path, name):
    assert parse_named(text) == NamedValue(path, name)


@pytest.mark.parametrize("text", ["", "1x", "a b", "f()", "a[i]", "a[0:2]", "a.", "a:", "a:b:c", "a=1", "__import__('os')", "a['x'"])  # fmt: skip
def test_anything_else_is_no_path(text):
    assert parse_named(text) is None


def test_a_path_is_followed_without_calling_anything():
    namespace = {"run": SimpleNamespace(best={"val": [0.5, 0.75]})}
    assert NamedValue("run.best['val'][-1]", "x").of(namespace) == 0.75
    for path in ("run.none", "run.best['none']", "run.best['val'][9]", "nothing", "run.best.val"):
        with pytest.raises(LookupError):
            NamedValue(path, "x").of(namespace)


def test_all_that_may_stand_on_the_line():
    options = parse_track(
        "name -e exp -p lr=0.1 -p depth -p cfg['lr']:rate -m acc:accuracy -m loss -t a=b --log-model net "
        "--log-model clf=digits --no-auto"
    )
    assert options.name == "name"
    assert options.params == {"lr": 0.1}
    assert options.named_params == (NamedValue("depth", "depth"), NamedValue("cfg['lr']", "rate"))
    assert options.named_metrics == (NamedValue("acc", "accuracy"), NamedValue("loss", "loss"))
    assert options.models == (("net", "net"), ("clf", "digits"))
    assert options.renamed == {"acc"}
    assert not options.auto


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-p 1x", "-p takes the name of a variable, or of a part of one"),
        ("-p a.b=1", "-p takes the name"),
        ("-m f()", "-m takes the name"),
        ("--log-model net.layer", "--log-model takes the name of a variable"),
        ("--log-model net=a/b", "must not contain '/'"),
        ("--log-model net=", "must not be empty"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_usage(line, told):
    with pytest.raises(BadArguments, match=r"Usage: %%track \[NAME\]") as raised:
        parse_track(line)
    assert told in raised.value.message
