"""Benchmarks, run by hand: ``python -m tests.benchmarks``, or some by name: ``... log history``.

Each figure stands beside its goal and beside a raw limit measured in the same run, because the ratio carries
over to another machine and the figure does not. Peers are measured in an environment of their own.
"""
