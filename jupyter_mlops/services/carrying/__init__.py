"""Live objects that go along with a job: packed as blobs, and unpacked there as they were."""
