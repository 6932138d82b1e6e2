"""Views of orders and servers for terminals: clients of the API and of the metrics."""
