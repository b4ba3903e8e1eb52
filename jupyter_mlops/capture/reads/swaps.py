"""Watching a function while it stays the very object that it is.

A Python function gets another ``__code__``, with the same parameters, that reports to a watcher and calls
a twin with the code it had. So names that were bound to it earlier (``from pandas import read_csv``) are
seen too, ``is`` and pickling by reference hold, the signature and the defaults are untouched, and one
assignment undoes it. What is no Python function (Cython's, builtin ones) is replaced in its module.

The watching code is one frame more, and nobody sees it: it leaves the traceback of what it lets through,
and its file is named such that ``warnings.warn(..., stacklevel=2)`` in the function still means its caller.
"""

from __future__ import annotations

import copyreg
import inspect
import linecache
import os
import types
from collections.abc import Callable, Sequence
from typing import Any, Protocol

_VARARGS, _VARKEYWORDS = inspect.CO_VARARGS, inspect.CO_VARKEYWORDS
_UNSWAPPABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_SOURCE = """\
    _watch_enter = "<enter>"; _watch_twin = "<twin>"; _watch_leave = "<leave>"; _watch_fail = "<fail>"
    _watch_unseen = "<unseen>"; __tracebackhide__ = True
    _watch_call = _watch_enter({watched})
    try:
        _watch_result = _watch_twin({arguments})
    except BaseException as _watch_error:
        _watch_fail(_watch_call)
        _watch_unseen(_watch_error)
        raise
    return _watch_leave(_watch_call, _watch_result)
"""

WATCHED = "importlib._bootstrap of jupyter-mlops: "
"""How the names of watching code's files begin. ``warnings`` does not count frames of files that have
"importlib" and "_bootstrap" in their names."""
_OWN_FILES = (WATCHED, os.path.dirname(os.path.abspath(__file__)) + os.sep)


class Watcher(Protocol):
    """Told of each call of a watched function. None of its methods may raise an Exception."""

    def enter(self, *watched: Any) -> Any:
        """Before the call, with the arguments that are watched; the value is handed to the other two."""
        ...

    def leave(self, call: Any, result: Any) -> Any:
        """After it; returns the result that the caller gets."""
        ...

    def fail(self, call: Any) -> None:
        """The call has raised."""
        ...


class Swap:
    """A function's own code and its watching twin; made once a process and function."""

    def __init__(
        self, function: types.FunctionType, watcher: Watcher, *, first: int = 0, with_self: bool = False
    ) -> None:
        """``first`` is the position of the watched argument; ``with_self`` watches the 0th one, too."""
        self._function = function
        self._plain = function.__code__
        self._watching = _watching_code(function, watcher, first, with_self)

    def put_in(self) -> None:
        if self._function.__code__ is self._plain:
            self._function.__code__ = self._watching

    def take_out(self) -> None:
        if self._function.__code__ is self._watching:
            self._function.__code__ = self._plain


class Replacement:
    """An attribute of a module that holds a callable of another kind than a Python function.

    Meanwhile who holds the function itself can pickle it, though it is not found under its name.
    """

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self._owner, self._name, self._new = owner, name, value
        self._old: Any = None

    def put_in(self) -> None:
        self._old = getattr(self._owner, self._name)
        if isinstance(self._new, WatchedCallable):
            _replaced[id(self._old)] = self._new
            copyreg.dispatch_table.setdefault(type(self._old), _reduce)
        setattr(self._owner, self._name, self._new)

    def take_out(self) -> None:
        if getattr(self._owner, self._name, None) is self._new:  # else somebody else has replaced it since
            setattr(self._owner, self._name, self._old)
        _replaced.pop(id(self._old), None)
        if not _replaced:
            for kind in [kind for kind, reduce in copyreg.dispatch_table.items() if reduce is _reduce]:
                del copyreg.dispatch_table[kind]


class WatchedCallable:
    """Stands in for a builtin function: not a function either, so that a class does not bind it."""

    def __init__(self, call: Callable[..., Any], original: Callable[..., Any], name: str) -> None:
        self._call = call
        self._path = name
        self.__wrapped__ = original
        for attribute in ("__name__", "__qualname__", "__module__", "__doc__", "__text_signature__"):
            if hasattr(original, attribute):
                setattr(self, attribute, getattr(original, attribute))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return self._call(*args, **kwargs)
        except BaseException as error:
            hide_frames(error)
            raise

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __reduce__(self) -> tuple[Any, ...]:
        import pkgutil

        return pkgutil.resolve_name, (self._path,)


_replaced: dict[int, WatchedCallable] = {}
"""What stands in for a function now, by the function's identity."""


def _reduce(function: Any) -> Any:
    """How ``pickle`` takes a function, of a kind of which some are replaced."""
    watched = _replaced.get(id(function))
    return function.__reduce_ex__(2) if watched is None else watched.__reduce__()


def swappable(function: Any) -> bool:
    """Whether it is a plain Python function."""
    return type(function) is types.FunctionType and not function.__code__.co_flags & _UNSWAPPABLE


def hide_frames(error: BaseException) -> None:
    """Take the frames of watching code from the beginning of a traceback, before it is raised further.

    Before Python 3.11 ``raise`` puts them back; then IPython says that it hides one.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        trace = trace.tb_next
    error.__traceback__ = trace


def _watching_code(
    function: types.FunctionType, watcher: Watcher, first: int, with_self: bool
) -> types.CodeType:
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = list(code.co_varnames[len(positional) + len(keyword) :])
    more = rest.pop(0) if code.co_flags & _VARARGS else ""
    options = rest.pop(0) if code.co_flags & _VARKEYWORDS else ""
    watched = _watched(function, positional, more, options, first)
    if with_self:
        watched = f"{positional[0]}, {watched}"
    arguments = [*positional, *_starred("*", more), *(f"{name}={name}" for name in keyword)]
    source = _SOURCE.format(watched=watched, arguments=", ".join([*arguments, *_starred("**", options)]))
    head = f"def {_identifier(code.co_name)}({_parameters(code, positional, keyword, more, options)}):\n"
    compiled = _compiled(head + source, code.co_freevars)
    twin = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    parts = {"<enter>": watcher.enter, "<twin>": twin, "<leave>": watcher.leave, "<fail>": watcher.fail}
    parts["<unseen>"] = hide_frames
    changes: dict[str, Any] = {
        "co_consts": tuple(parts.get(c, c) if isinstance(c, str) else c for c in compiled.co_consts),
        "co_filename": _watched_file(code.co_filename),
        "co_firstlineno": code.co_firstlineno,
        "co_name": code.co_name,
    }
    if hasattr(code, "co_qualname"):  # since Python 3.11
        changes["co_qualname"] = code.co_qualname
    return compiled.replace(**changes)


def _parameters(
    code: types.CodeType, positional: Sequence[str], keyword: Sequence[str], more: str, options: str
) -> str:
    only = code.co_posonlyargcount
    names = [*positional[:only], *(["/"] if only else []), *positional[only:], *_starred("*", more)]
    if keyword and not more:
        names.append("*")
    return ", ".join([*names, *keyword, *_starred("**", options)])


def _starred(stars: str, name: str) -> list[str]:
    return [stars + name] if name else []


def _watched(
    function: types.FunctionType, positional: Sequence[str], more: str, options: str, first: int
) -> str:
    """An expression for the argument at position ``first``, also of a ``(*args, **kwargs)`` decorator."""
    if first < len(positional):
        return positional[first]
    inner = inspect.unwrap(function)
    names = inner.__code__.co_varnames if swappable(inner) else ()
    name = names[first] if first < len(names) else ""
    given = f"{options}.get({name!r})" if options else "None"
    at = first - len(positional)
    return f"({more}[{at}] if len({more}) > {at} else {given})" if more else given


def _compiled(source: str, free: Sequence[str]) -> types.CodeType:
    """The function's code; it has the free variables that the closure wants, and does not use them."""
    if free:
        body = source.splitlines(keepends=True)
        body.insert(1, f"    if False: ({', '.join(free)},)\n")
        cells = "".join(f"    {name} = None\n" for name in free)
        source = "def _watch_outer():\n" + cells + "".join("    " + line for line in body)
    code = compile(source, "<watched>", "exec", dont_inherit=True)
    for _ in range(2 if free else 1):
        code = next(each for each in code.co_consts if isinstance(each, types.CodeType))
    return code


def _watched_file(path: str) -> str:
    """A name for the file of watching code, under which ``inspect.getsource`` finds the function's."""
    name = WATCHED + path
    if name not in linecache.cache:
        linecache.cache[name] = (lambda: "".join(linecache.getlines(path)),)
    return name


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "watched"
