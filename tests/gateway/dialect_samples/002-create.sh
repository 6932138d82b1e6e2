curl -s -X POST \
'@ADDRESS@/v1/orders' \
-H 'Authorization: Bearer YOUR_API_KEY' \
-H 'Content-Type: application/json' \
-d '{
"customerId": "CUST98765",
"items": [
{
"productId": "PROD001",
"quantity": 1
},
{
"productId": "PROD004",
"quantity": 2
}
],
"shippingAddress": {
"street": "123 Main St",
"city": "Anytown",
"state": "CA",
"zipCode": "90210",
"country": "USA"
}
}'
