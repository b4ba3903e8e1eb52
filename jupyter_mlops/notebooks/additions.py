"""Containers to which statements only add: what is in one does not matter to them.

``scores.append(score)`` makes nothing of the scores that are there.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Sequence

ADDS = frozenset({"append", "appendleft", "extend", "add", "insert", "update"})
"""Methods of containers that give nothing, and make nothing of what is there."""


def without_containers(body: Sequence[ast.stmt], containers: Collection[str]) -> Sequence[ast.stmt]:
    """The statements without the containers to which they only add; ``containers`` are names of such."""
    added = _only_added_to(body, containers)
    if not added:
        return body
    leave_out = _WithoutContainers(added)
    return [leave_out.visit(each) for each in copy.deepcopy(list(body))]


def _added_to(statement: ast.AST) -> ast.Name | None:
    """The name of what a statement adds something to."""
    if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr in ADDS
            and isinstance(function.value, ast.Name)
        ):
            return function.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            return target.value
    return None


def _only_added_to(body: Sequence[ast.stmt], containers: Collection[str]) -> set[str]:
    nodes = [node for each in body for node in ast.walk(each)]
    added = [name for node in nodes if (name := _added_to(node)) is not None and name.id in containers]
    if not added:
        return set()
    others = {
        node.id for node in nodes if isinstance(node, ast.Name) and all(node is not each for each in added)
    }
    return {each.id for each in added} - others


class _WithoutContainers(ast.NodeTransformer):
    """Leaves what is added, and not to what."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        name = _added_to(node)
        if name is not None and name.id in self._names:
            assert isinstance(node.value, ast.Call)
            parts = [*node.value.args, *(each.value for each in node.value.keywords)]
            return ast.copy_location(ast.Expr(ast.copy_location(ast.Tuple(parts, ast.Load()), node)), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        name = _added_to(node)
        if name is not None and name.id in self._names:
            (target,) = node.targets
            assert isinstance(target, ast.Subscript)
            parts: list[ast.expr] = [target.slice, node.value]
            return ast.copy_location(ast.Expr(ast.copy_location(ast.Tuple(parts, ast.Load()), node)), node)
        return node
