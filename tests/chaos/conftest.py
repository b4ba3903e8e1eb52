"""The same place as the jobs' integration tests have: a home of the test's own, everything in it real."""

from tests.integration.jobs.conftest import place

__all__ = ["place"]
