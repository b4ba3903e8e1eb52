"""Batch jobs: submitting them, the queue, the agent."""
