"""What a dataset's content is like: computed once a digest, outside of the kernel."""
