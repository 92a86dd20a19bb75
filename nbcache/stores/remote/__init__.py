"""A store on somebody else's server: Redis, S3, any file system of fsspec."""
