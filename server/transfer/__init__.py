"""Import and export of orders: `orders import` and `orders export`, as clients of the API."""
