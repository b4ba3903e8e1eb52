"""The variables that texts name in which libraries look variables up."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.notebooks.expressions import title_of
from jupyter_mlops.notebooks.queries import literal_text, names_looked_up, text_argument

FOUND = {
    "df.query('a > @b and c == @d')": {"b", "d"},
    "df.eval('a = @b')": {"b"},
    "df.query(f'{column} > @b')": {"b"},
    "df.query('a > ' '@b')": {"b"},
    "df.query('a > ' + '@b')": {"b"},
    "df.query('a > @b {}'.format(1))": {"b"},
    "df.query(expr='a > @b', inplace=True)": {"b"},
    "pd.eval('a + b.c')": {"a", "b", "c"},
    "model.eval()": set(),
    "model.evaluate('a')": set(),
    "numexpr.evaluate('a * 2')": {"a"},
    "duckdb.sql('SELECT a FROM b')": {"b"},
    "duckdb.sql('select a from b as c, d where e > 1')": {"b", "as", "c", "d"},
    "duckdb.query('from b select a')": {"b"},
    "con.execute('INSERT INTO a SELECT * FROM b LIMIT 3')": {"a", "b"},
    "con.execute('with a as (select * from b) select * from a join c on d')": {"a", "b", "c"},
    "con.execute('SUMMARIZE b')": {"b"},
    "pl.sql('SELECT a FROM (SELECT * FROM b) GROUP BY c')": {"b"},
    "pd.read_sql('SELECT 1 FROM a', con)": {"a"},
    "print('from a')": set(),
    "[].sql()": set(),
}


@pytest.mark.parametrize("source", FOUND)
def test_the_names_that_are_looked_up(source: str) -> None:
    assert names_looked_up(_call(source), title_of(_call(source).func)) == FOUND[source]


@pytest.mark.parametrize("argument", ["text", "1", "texts[0]", "'a' + text", "str(text)", "text.strip()"])
def test_a_text_that_is_not_written_out(argument: str) -> None:
    call = _call(f"df.query({argument})")
    found = text_argument(call)
    assert found is not None
    assert literal_text(found) is None
    assert names_looked_up(call, "df.query") == set()


def _call(source: str) -> ast.Call:
    node = ast.parse(source, mode="eval").body
    assert isinstance(node, ast.Call)
    return node
