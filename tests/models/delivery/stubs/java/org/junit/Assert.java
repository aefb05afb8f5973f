package org.junit;
public class Assert {
    public static void assertEquals(Object expected, Object actual) {}
    public static void assertEquals(String message, Object expected, Object actual) {}
    public static void assertEquals(long expected, long actual) {}
    public static void assertEquals(String message, long expected, long actual) {}
    public static void fail(String message) {}
}
