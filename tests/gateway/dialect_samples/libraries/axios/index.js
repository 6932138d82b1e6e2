// As much of axios as the samples use.
async function axios(config) {
  const {method, url, headers, data} = config;
  const body = typeof data === "string" ? data : JSON.stringify(data);
  const response = await fetch(url, {method: method.toUpperCase(), headers, body});
  const found = {status: response.status, data: await response.json()};
  if (response.ok) return found;
  throw Object.assign(new Error(`status ${response.status}`), {response: found});
}
axios.post = (url, data, {headers}) => axios({method: "post", url, headers, data});
module.exports = axios;
