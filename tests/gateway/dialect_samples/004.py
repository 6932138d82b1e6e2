import http.client
import json

conn = http.client.HTTPConnection("HOST")
payload = json.dumps(
    {
        "data": [
            {
                "name": "Abhay",
                "email": "[email protected]",
                "phone": "7666804987",
                "address": "address 1",
                "products": [
                    {"product_sku_id": "sss1", "amount": "25", "qty": "1"},
                    {"product_sku_id": "sss2", "amount": "25", "qty": "1"},
                    {"product_sku_id": "ss3s", "amount": "25", "qty": "1"},
                    {"product_sku_id": "sss4", "amount": "25", "qty": "1"},
                ],
                "order_id": "ID-01",
                "total_amount": "5000",
                "discount": "15",
                "total_qty": "45",
                "refferral_code": "EV78G55H",
                "user_id": "99",
            }
        ]
    }
)
headers = {"token": "U78FtRBfsMAnecq_q3i8J", "Content-Type": "application/json"}
conn.request("POST", "/api/integration/orders", payload, headers)
res = conn.getresponse()
data = res.read()
print(data.decode("utf-8"))
