"""Gates, approvals and reviews of model versions."""
