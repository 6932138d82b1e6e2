curl -s -X PUT \
'@ADDRESS@/v1/orders/ORD123456789' \
-H 'Authorization: Bearer YOUR_API_KEY' \
-H 'Content-Type: application/json' \
-d '{
"status": "shipped",
"shippingAddress": {
"street": "456 Oak Ave",
"city": "Anytown",
"state": "CA",
"zipCode": "90210",
"country": "USA"
}
}'
