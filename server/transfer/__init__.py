"""Orders from files into the service and out of it into files: what `orders import` and `orders export` do."""
