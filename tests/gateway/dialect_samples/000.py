import requests

API_KEY = "YOUR_API_KEY"
BASE_URL = "@ADDRESS@"

headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}


def create_order(order_data):
    url = f"{BASE_URL}/orders"
    response = requests.post(url, headers=headers, json=order_data)
    return response.json()


order_data = {
    "customer_id": "12345",
    "items": [{"product_id": "A100", "quantity": 2}, {"product_id": "B200", "quantity": 1}],
    "shipping_address": {"street": "123 Main St", "city": "Anytown", "state": "CA", "zip": "91234", "country": "USA"},
    "payment_method": "credit_card",
    "payment_details": {},
}

order = create_order(order_data)
print(order)
