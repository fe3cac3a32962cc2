"""Where trained models lie: a directory, or object storage behind a verified local cache; a URL says which."""

from processor.model_store.opening import open_model_store

__all__ = ["open_model_store"]
