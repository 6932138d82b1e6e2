const axios = require('axios');

const API_KEY = 'YOUR_API_KEY';
const BASE_URL = '@ADDRESS@';

const headers = {
    'Authorization': `Bearer ${API_KEY}`,
    'Content-Type': 'application/json'
};

async function createOrder(orderData) {
    try {
        const response = await axios.post(`${BASE_URL}/orders`, orderData, { headers });
        return response.data;
    } catch (error) {
        console.error('Error creating order:', error.response ? error.response.data : error.message);
        throw error;
    }
}

const orderData = {
    "customer_id": "12345",
    "items": [
        {"product_id": "A100", "quantity": 2},
        {"product_id": "B200", "quantity": 1}
    ],
    "shipping_address": {
        "street": "123 Main St",
        "city": "Anytown",
        "state": "CA",
        "zip": "91234",
        "country": "USA"
    },
    "payment_method": "credit_card",
    "payment_details": {}
};

createOrder(orderData)
    .then(order => console.log(order))
    .catch(error => console.error('Failed to create order', error));
