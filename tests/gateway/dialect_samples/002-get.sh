curl -s -X GET \
'@ADDRESS@/v1/orders/ORD123456789' \
-H 'Authorization: Bearer YOUR_API_KEY'
