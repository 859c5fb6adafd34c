"""The tutorial lab of Alibaba Cloud IoT Platform, with paho-mqtt 1.6: prints the reply of one property post.

Usage: lab.py HOST PORT CA_FILE PRODUCT_KEY DEVICE_NAME DEVICE_SECRET TEMPERATURE
"""
import hashlib
import hmac
import json
import sys
import time

import paho.mqtt.client as mqtt

host, port, ca_file, product_key, device_name, device_secret, temperature = sys.argv[1:]
timestamp = str(int(time.time() * 1000))
client_id = "lab-client"
content = (
    f"clientId{client_id}deviceName{device_name}productKey{product_key}timestamp{timestamp}"
)
password = hmac.new(device_secret.encode(), content.encode(), hashlib.sha256).hexdigest()
post_topic = f"/sys/{product_key}/{device_name}/thing/event/property/post"
reply_topic = post_topic + "_reply"


def on_connect(client, userdata, flags, code):
    if code != 0:
        print(f"connect refused with code {code}", file=sys.stderr)
        sys.exit(1)
    client.subscribe(reply_topic, qos=1)


def on_subscribe(client, userdata, mid, granted_qos):
    payload = {
        "id": "1",
        "version": "1.0",
        "params": {"temperature": float(temperature)},
        "method": "thing.event.property.post",
    }
    client.publish(post_topic, json.dumps(payload), qos=1)


def on_message(client, userdata, message):
    print(message.payload.decode(), flush=True)
    if sys.stdin.readline() == "":
        client.disconnect()


client = mqtt.Client(
    client_id=f"{client_id}|securemode=3,signmethod=hmacsha256,timestamp={timestamp}|"
)
client.username_pw_set(f"{device_name}&{product_key}", password)
client.tls_set(ca_certs=ca_file)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect(host, int(port), keepalive=60)
client.loop_forever()
