import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The JDK's own server. A shutdown hook calls stop with a delay of so many seconds, as
 * its documentation says; stop closes the listener, serves kept-alive connections on
 * for that long, and then closes them whatever is in hand. Without the second argument
 * there is no hook.
 */
public class Stop {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 512);
        ExecutorService pool = Executors.newFixedThreadPool(100);
        server.setExecutor(pool);
        server.createContext("/", exchange -> {
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                throw new RuntimeException(e);
            }
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("ok\n".getBytes());
            exchange.close();
        });
        if (args.length > 1) {
            int delay = Integer.parseInt(args[1]);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(delay)));
        }
        server.start();
    }
}
