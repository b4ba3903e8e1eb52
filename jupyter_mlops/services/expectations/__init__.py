"""What a dataset's contents must be like: said once, and looked at whenever one is registered or loaded."""
