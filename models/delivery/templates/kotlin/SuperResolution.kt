package mobilesr

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import android.os.Looper
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.security.MessageDigest
import java.util.concurrent.Callable
import java.util.concurrent.CancellationException
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.atomic.AtomicBoolean
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module

/**
 * Upscales bitmaps of any size with the network in `assets/mobilesr/model.pte`.
 *
 * Load it once, keep it, close it: loading takes longer than a tile. May be used from several
 * threads; the network runs for one of them at a time.
 */
class SuperResolution private constructor(private val module: Module) : Closeable {
    private val tiling = Tiling(
        ModelContract.LR_HEIGHT, ModelContract.LR_WIDTH, ModelContract.WINDOW, ModelContract.SCALE
    )
    private val buffer = TileFormat.buffer(ModelContract.INPUT_NUMBERS)
    private val input = EValue.from(TileFormat.tensor(buffer, ModelContract.inputShape()))
    private val worker = Executors.newSingleThreadExecutor { task -> Thread(task, "mobilesr") }
    private val lock = Any()
    private val closed = AtomicBoolean()

    /** As [upscale], on a thread of its own. `cancel(true)` on what it returns stops after a tile. */
    @JvmOverloads
    fun submit(
        bitmap: Bitmap,
        background: Int = Color.WHITE,
        onTile: (done: Int, total: Int) -> Unit = { _, _ -> }
    ): Future<Bitmap> = worker.submit(Callable { upscale(bitmap, background, onTile) })

    /**
     * A bitmap [ModelContract.SCALE] times as wide and as high: opaque, ARGB_8888, sRGB.
     *
     * Blocks for as long as it takes, so not on the main thread. The caller keeps `bitmap`, which
     * must not change meanwhile, and owns the result.
     *
     * @param background what transparent pixels are laid on.
     * @param onTile told after every tile, on the thread that computes.
     * @throws IllegalStateException called on the main thread.
     * @throws CancellationException after [close], or it was called meanwhile, or the thread was
     *     interrupted.
     * @throws OutOfMemoryError the result does not fit: make the bitmap smaller first.
     */
    @JvmOverloads
    fun upscale(
        bitmap: Bitmap,
        background: Int = Color.WHITE,
        onTile: (done: Int, total: Int) -> Unit = { _, _ -> }
    ): Bitmap {
        requireWorkerThread("upscale")
        if (closed.get()) throw CancellationException("SuperResolution is closed")
        // Hardware bitmaps and those of other formats do not give pixels as this one does.
        val own = if (bitmap.config == Bitmap.Config.ARGB_8888) null else copyOf(bitmap)
        try {
            return upscaled(own ?: bitmap, background, onTile)
        } finally {
            own?.recycle()
        }
    }

    private fun upscaled(
        readable: Bitmap, background: Int, tell: (done: Int, total: Int) -> Unit
    ): Bitmap {
        val scale = ModelContract.SCALE
        val result = Bitmap.createBitmap(
            scale * readable.width, scale * readable.height, Bitmap.Config.ARGB_8888
        )
        var finished = false
        try {
            result.setHasAlpha(false)
            val progress = object : TileProgress {
                override fun onTile(done: Int, total: Int) {
                    tell(done, total)
                    if (closed.get() || Thread.interrupted()) throw CancellationException("stopped")
                }
            }
            val network = object : TileModel {
                override fun run(input: Tile): Tile = runTile(input)
            }
            tiling.upscale(PixelsOf(readable), PixelsInto(result), background, network, progress)
            finished = true
            return result
        } finally {
            if (!finished) result.recycle()
        }
    }

    /**
     * The network itself on one tile, in the form of [Tile].
     *
     * @throws IllegalArgumentException `tile` is not one tile.
     * @throws CancellationException called after [close].
     * @throws IllegalStateException the model file is not the one that [ModelContract] describes.
     */
    fun runTile(tile: Tile): Tile = synchronized(lock) {
        // An IllegalStateException, too.
        if (closed.get()) throw CancellationException("SuperResolution is closed")
        require(tile.size == ModelContract.INPUT_NUMBERS) {
            "a tile has ${ModelContract.INPUT_NUMBERS} numbers, not ${tile.size}"
        }
        buffer.rewind()
        buffer.put(tile)
        val outputs = module.forward(input)
        check(outputs.size == 1) { "the network gave ${outputs.size} outputs instead of one" }
        val output = outputs[0].toTensor()
        check(output.dtype() == TileFormat.dtype) {
            "the network gives ${output.dtype()}, this class reads ${TileFormat.NAME}: deliver it again"
        }
        check(output.shape().contentEquals(ModelContract.outputShape())) {
            "the network gives ${output.shape().contentToString()} instead of " +
                ModelContract.outputShape().contentToString()
        }
        TileFormat.read(output)
    }

    /**
     * Frees the network once the tile that is being computed is done; does not wait for it. What
     * goes on elsewhere ends with a [CancellationException].
     */
    override fun close() {
        if (!closed.compareAndSet(false, true)) return
        worker.execute { synchronized(lock) { module.destroy() } }
        worker.shutdown()
    }

    private class PixelsOf(private val bitmap: Bitmap) : PixelSource {
        override val width = bitmap.width
        override val height = bitmap.height
        override fun readRow(y: Int, x: Int, count: Int, into: IntArray) =
            bitmap.getPixels(into, 0, count, x, y, count, 1)
    }

    private class PixelsInto(private val bitmap: Bitmap) : PixelSink {
        override fun writeRows(y: Int, rows: Int, pixels: IntArray) =
            bitmap.setPixels(pixels, 0, bitmap.width, 0, y, bitmap.width, rows)
    }

    companion object {
        private const val ASSET = "mobilesr/model.pte"

        /**
         * Opens the network. The first time, it is copied out of the assets into the app's own
         * files, since ExecuTorch opens files only. Reads and writes, so not on the main thread.
         *
         * @param threads how many the network computes with; measure on your phones.
         * @throws IOException the asset is missing, is another file, or there is no space for it.
         * @throws RuntimeException ExecuTorch cannot load it; the message has its error code.
         */
        @JvmStatic
        @JvmOverloads
        @Throws(IOException::class)
        fun load(context: Context, threads: Int = ModelContract.THREADS): SuperResolution {
            requireWorkerThread("load")
            require(threads > 0) { "$threads threads" }
            val path = modelFile(context).absolutePath
            return SuperResolution(Module.load(path, Module.LOAD_MODE_MMAP, threads))
        }

        private fun requireWorkerThread(what: String) =
            check(Looper.myLooper() != Looper.getMainLooper()) {
                "SuperResolution.$what takes long: call it on a worker thread"
            }

        private fun copyOf(bitmap: Bitmap): Bitmap =
            requireNotNull(bitmap.copy(Bitmap.Config.ARGB_8888, false)) {
                "a bitmap of ${bitmap.config} cannot be read"
            }

        /** The model as a file of its own, named by its content: another model is another file. */
        @Synchronized
        private fun modelFile(context: Context): File {
            val folder = File(context.noBackupFilesDir, "mobilesr")
            val file = File(folder, "${ModelContract.MODEL_SHA256}.pte")
            if (file.length() == ModelContract.MODEL_BYTES) return file
            if (!folder.isDirectory && !folder.mkdirs()) throw IOException("cannot make $folder")
            folder.listFiles()?.forEach { it.delete() }
            val copy = File(folder, "copy")
            val digest = MessageDigest.getInstance("SHA-256")
            context.assets.open(ASSET).use { asset ->
                copy.outputStream().use { target ->
                    val chunk = ByteArray(1 shl 16)
                    while (true) {
                        val count = asset.read(chunk)
                        if (count < 0) break
                        digest.update(chunk, 0, count)
                        target.write(chunk, 0, count)
                    }
                    target.fd.sync()
                }
            }
            val found = digest.digest().joinToString("") { "%02x".format(it) }
            if (found != ModelContract.MODEL_SHA256) {
                copy.delete()
                throw IOException("assets/$ASSET is not the model of ModelContract.kt")
            }
            if (!copy.renameTo(file)) throw IOException("cannot write $file")
            return file
        }
    }
}
