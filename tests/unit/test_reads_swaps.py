"""A function is watched and stays the object that it is."""

from __future__ import annotations

import copyreg
import functools
import inspect
import io
import linecache
import pickle
import sys
import traceback
import types
import warnings

import pytest

from jupyter_mlops.capture.reads.swaps import Replacement, Swap, WatchedCallable, swappable


class Witness:
    def __init__(self):
        self.seen = []

    def enter(self, *watched):
        self.seen.append(("enter", *watched))
        return len(self.seen)

    def leave(self, call, result):
        self.seen.append(("leave", call, result))
        return result

    def fail(self, call):
        self.seen.append(("fail", call))


def reader(path, /, sep=",", *more, header=0, **options):
    """What it says."""
    if sep == "!":
        raise LookupError(path)
    return path, sep, more, header, options


def warner(path):
    warnings.warn("old", stacklevel=2)


def decorated(function):
    @functools.wraps(function)
    def outer(*args, **kwargs):
        return function(*args, **kwargs)

    return outer


@decorated
def behind_a_decorator(path, sep=","):
    return path, sep


class File:
    def __init__(self, source, *, mode="r"):
        super().__init__()
        self.source, self.mode = source, mode


@pytest.fixture
def watched():
    swaps = []

    def watch(function, **options):
        witness = Witness()
        swap = Swap(function, witness, **options)
        swap.put_in()
        swaps.append(swap)
        return witness

    yield watch
    for swap in swaps:
        swap.take_out()


def test_a_call_is_told_with_its_first_argument_and_its_result(watched):
    witness = watched(reader)
    assert reader("a", ";", 1, 2, header=3, skip=4) == ("a", ";", (1, 2), 3, {"skip": 4})
    assert witness.seen == [("enter", "a"), ("leave", 1, ("a", ";", (1, 2), 3, {"skip": 4}))]


def test_defaults_and_signature_are_its_own(watched):
    before = inspect.signature(reader)
    watched(reader)
    assert reader("a") == ("a", ",", (), 0, {})
    assert inspect.signature(reader) == before
    assert inspect.getsource(reader).startswith("def reader(path, /")
    assert reader.__doc__ == "What it says."


def test_it_is_the_same_object_and_pickles_by_reference(watched):
    bound_before = reader
    witness = watched(reader)
    assert pickle.loads(pickle.dumps(reader)) is bound_before
    bound_before("a")
    assert witness.seen[0] == ("enter", "a")


def test_an_exception_goes_through_and_is_told(watched):
    witness = watched(reader)
    with pytest.raises(LookupError) as caught:
        reader("a", "!")
    assert witness.seen == [("enter", "a"), ("fail", 1)]
    assert str(caught.value) == "a"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="raise puts the frame back")
def test_a_traceback_is_what_it_is_without_being_watched(watched):
    def names():
        with pytest.raises(LookupError) as caught:
            reader("a", "!")
        return [(frame.filename, frame.name) for frame in traceback.extract_tb(caught.value.__traceback__)]

    before = names()
    watched(reader)
    assert names() == before


@pytest.mark.skipif(sys.version_info < (3, 11), reason="raise puts the frame back")
def test_a_replaced_builtin_is_not_in_a_traceback():
    load = WatchedCallable(open, open, "io:open")
    with pytest.raises(FileNotFoundError) as caught:
        load("missing")
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)] == [
        "test_a_replaced_builtin_is_not_in_a_traceback"
    ]


def test_a_warning_names_the_line_that_it_names_without_being_watched(watched):
    watched(warner)
    with pytest.warns(UserWarning, match="old") as caught:
        warner("a")
    assert caught[0].filename == __file__
    assert linecache.getline(__file__, caught[0].lineno).strip() == 'warner("a")'


def test_wrong_arguments_give_the_error_that_they_gave(watched):
    with pytest.raises(TypeError) as plain:
        behind_a_decorator()
    with pytest.raises(TypeError) as own:
        reader(header=1)
    watched(reader)
    with pytest.raises(TypeError) as now:
        reader(header=1)
    assert str(now.value) == str(own.value)
    assert "path" in str(plain.value)


@pytest.mark.parametrize(("args", "kwargs"), [(("a",), {}), ((), {"path": "a"})])
def test_a_closure_is_watched_by_position_and_by_name(watched, args, kwargs):
    witness = watched(behind_a_decorator)
    assert behind_a_decorator(*args, **kwargs) == ("a", ",")
    assert witness.seen[0] == ("enter", "a")


def test_a_method_that_calls_super_is_watched(watched):
    witness = watched(File.__init__, first=1)
    assert File("a", mode="w").mode == "w"
    assert witness.seen[0] == ("enter", "a")


def test_self_can_be_watched_too(watched):
    witness = watched(File.__init__, first=1, with_self=True)
    file = File("a")
    assert witness.seen[0] == ("enter", file, "a")


def test_taking_out_restores_the_code_itself():
    code = reader.__code__
    witness = Witness()
    swap = Swap(reader, witness)
    swap.put_in()
    assert reader.__code__ is not code
    swap.take_out()
    assert reader.__code__ is code
    reader("a")
    assert witness.seen == []


def test_taking_out_leaves_what_somebody_else_has_put_there():
    def other(path, /, sep=",", *more, header=0, **options):
        return "other"

    code = reader.__code__
    swap = Swap(reader, Witness())
    swap.put_in()
    reader.__code__ = other.__code__
    swap.take_out()
    try:
        assert reader("a") == "other"
    finally:
        reader.__code__ = code


def test_generators_and_builtins_are_not_swapped():
    def generator():
        yield

    async def coroutine():
        return

    assert not any(map(swappable, (generator, coroutine, len, print, File)))


def test_a_replaced_builtin_pickles_does_not_bind_and_shows_as_itself():
    class Holder:
        opener = WatchedCallable(io.open, io.open, "io:open")

    assert pickle.loads(pickle.dumps(Holder.opener)) is io.open
    assert Holder().opener is Holder.opener
    assert repr(Holder.opener) == repr(io.open)
    assert inspect.signature(Holder.opener) == inspect.signature(io.open)


def test_a_replacement_that_was_replaced_itself_is_left():
    class Module:
        load = len

    replacement = Replacement(Module, "load", abs)
    replacement.put_in()
    Module.load = max
    replacement.take_out()
    assert Module.load is max


def test_a_builtin_that_is_replaced_under_its_name_can_still_be_pickled():
    module = types.SimpleNamespace(open=open)
    replacement = Replacement(io, "open", WatchedCallable(open, open, "_io:open"))
    held = [functools.partial(open, mode="rb"), module, len, [].append]
    replacement.put_in()
    try:
        pickled = pickle.dumps(held)
    finally:
        replacement.take_out()
    partial, module, function, _ = pickle.loads(pickled)
    assert (partial.func, module.open, function) == (open, open, len)
    assert types.BuiltinFunctionType not in copyreg.dispatch_table
