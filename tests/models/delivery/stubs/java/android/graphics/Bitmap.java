package android.graphics;
public final class Bitmap {
    public enum Config { ALPHA_8, RGB_565, ARGB_8888, HARDWARE }
    public static Bitmap createBitmap(int width, int height, Config config) { return null; }
    public Config getConfig() { return null; }
    public Bitmap copy(Config config, boolean isMutable) { return null; }
    public int getWidth() { return 0; }
    public int getHeight() { return 0; }
    public int getPixel(int x, int y) { return 0; }
    public void getPixels(
        int[] pixels, int offset, int stride, int x, int y, int width, int height) {}
    public void setPixels(
        int[] pixels, int offset, int stride, int x, int y, int width, int height) {}
    public void eraseColor(int c) {}
    public void setHasAlpha(boolean hasAlpha) {}
    public void recycle() {}
}
