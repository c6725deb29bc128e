import java.io.IOException;

/**
 * Runs the main class named by its first argument and ends with the process that holds the other end of standard
 * input: a JVM would outlive a parent that was killed. At the end of input it exits in order, and halts if that takes
 * longer than HALT_AFTER_MS.
 */
public final class ParentWatch {
  private static final long HALT_AFTER_MS = 3_000;

  public static void main(String[] args) throws Exception {
    daemon("parent-watch", ParentWatch::exitWithParent);
    String[] rest = java.util.Arrays.copyOfRange(args, 1, args.length);
    Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
  }

  private static void exitWithParent() {
    byte[] ignored = new byte[64];
    try {
      while (System.in.read(ignored) >= 0) {}
    } catch (IOException broken) {
      // A broken pipe says the same as its end.
    }
    daemon("parent-watch-halt", ParentWatch::haltLater);
    System.exit(0);
  }

  private static void haltLater() {
    try {
      Thread.sleep(HALT_AFTER_MS);
    } catch (InterruptedException early) {
      // Halting early is fine.
    }
    Runtime.getRuntime().halt(1);
  }

  private static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private ParentWatch() {}
}
