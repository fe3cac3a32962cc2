"""The job view: follows the requests and results topics into the job store, and tells whoever waits or listens."""
