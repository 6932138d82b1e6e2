curl -s -X POST @ADDRESS@/v1/cart/items \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "productId": "550e8400-e29b-41d4-a716-446655440000",
    "variantId": "var-001",
    "quantity": 1,
    "customizations": {
      "color": "blue"
    }
  }'
