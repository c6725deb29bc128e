import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** Puts a class file into a jar: arguments are the jar and the file. A Java runtime alone has no tool for it. */
public final class Jar {
  public static void main(String[] args) throws Exception {
    Path file = Path.of(args[1]);
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(Path.of(args[0])))) {
      jar.putNextEntry(new JarEntry(file.getFileName().toString()));
      Files.copy(file, jar);
    }
  }

  private Jar() {}
}
