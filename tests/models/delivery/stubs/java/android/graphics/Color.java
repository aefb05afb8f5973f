package android.graphics;
public class Color {
    public static final int WHITE = 0xFFFFFFFF;
    public static int rgb(int red, int green, int blue) { return 0; }
    public static int alpha(int color) { return 0; }
}
