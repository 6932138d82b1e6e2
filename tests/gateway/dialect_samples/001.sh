curl -s -X POST @ADDRESS@/api/orders \
  -H "Authorization: Bearer <token>" \
  -H "Content-Type: application/json" \
  -d '{
    "cart_id": "abc123",
    "user_id": "user789",
    "payment_method": "credit_card",
    "shipping_address": {
      "name": "Jane Doe",
      "address": "123 Main St",
      "city": "New York",
      "state": "NY",
      "zip": "10001",
      "country": "US"
    }
  }'
