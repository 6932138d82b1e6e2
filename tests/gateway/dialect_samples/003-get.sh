curl -s -X GET @ADDRESS@/v1/orders/ord-123456 \
  -H "Authorization: Bearer YOUR_API_KEY"
