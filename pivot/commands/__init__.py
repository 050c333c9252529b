"""One module a use case: takes a request, returns a result, never prints."""
