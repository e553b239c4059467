// SPDX-License-Identifier: Apache-2.0
// Receives webhooks and verifies them with the official library: com.standardwebhooks:standardwebhooks:1.2.0
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

public final class Receiver {
    public static void main(String[] args) throws Exception {
        Webhook webhook = new Webhook(System.getenv("HOOK_SECRET")); // whsec_..., as the endpoint was made with
        Set<String> known = ConcurrentHashMap.newKeySet(); // your database, in earnest
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8421"));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", exchange -> {
            int status = 204;
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            try {
                webhook.verify(body, exchange.getRequestHeaders()); // throws: not ours, or older than five minutes
                if (known.add(exchange.getRequestHeaders().getFirst("webhook-id"))) {
                    System.out.println(body); // only once: the same id comes again when an answer was lost
                }
            } catch (WebhookVerificationException error) {
                status = 401;
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
    }
}
