curl -s -X GET \
'@ADDRESS@/v1/orders?status=processing&limit=10' \
-H 'Authorization: Bearer YOUR_API_KEY'
