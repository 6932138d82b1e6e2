curl -s -X POST @ADDRESS@/v1/orders \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "items": [
      {
        "productId": "550e8400-e29b-41d4-a716-446655440000",
        "variantId": "var-001",
        "quantity": 1,
        "customizations": {
          "color": "blue",
          "fabric": "leather"
        }
      },
      {
        "productId": "550e8400-e29b-41d4-a716-446655440001",
        "quantity": 2
      }
    ],
    "shippingAddressId": "addr-001",
    "paymentMethodId": "pm-001",
    "deliveryDate": "2025-01-20T10:00:00Z",
    "specialInstructions": "Please call before delivery",
    "couponCode": "WELCOME10",
    "loyaltyPointsToUse": 500
  }'
