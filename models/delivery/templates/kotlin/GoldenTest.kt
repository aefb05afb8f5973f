package mobilesr

import android.graphics.Bitmap
import android.graphics.Color
import android.util.Log
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import java.io.DataInputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.fail
import org.junit.Test
import org.junit.runner.RunWith

/** Runs on a phone or an emulator: does the network answer there as it does where it was made? */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    @Test
    fun theNetworkAnswersAsPyTorchDoes() = withNetwork { network ->
        val input = tile("golden_input.bin", ModelContract.INPUT_NUMBERS)
        val expected = tile("golden_output.bin", ModelContract.OUTPUT_NUMBERS)
        network.runTile(input) // The first run is the slowest.
        val started = System.nanoTime()
        val output = network.runTile(input)
        Log.i("mobilesr", "one tile took ${(System.nanoTime() - started) / 1000000.0} ms")
        assertEquals("numbers of the output", expected.size, output.size)
        for (i in expected.indices) {
            val found = TileFormat.value(output, i)
            val right = TileFormat.value(expected, i)
            val error = Math.abs(found - right)
            // What is no number is within nothing.
            if (error <= ModelContract.TOLERANCE) continue
            fail(
                "number $i is $found instead of $right: off by $error, at most " +
                    "${ModelContract.TOLERANCE} is allowed"
            )
        }
    }

    @Test
    fun aPictureLargerThanATileIsUpscaledWhole() = withNetwork { network ->
        val width = ModelContract.LR_WIDTH + 5
        val height = ModelContract.LR_HEIGHT + 3
        val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        bitmap.eraseColor(Color.rgb(90, 120, 150))
        val tiles = ArrayList<Int>()
        val result = network.upscale(bitmap, onTile = { done, total -> tiles.add(total - done) })
        assertEquals(ModelContract.SCALE * width, result.width)
        assertEquals(ModelContract.SCALE * height, result.height)
        assertEquals("tiles left in the end", 0, tiles.last())
        assertEquals(255, Color.alpha(result.getPixel(result.width - 1, result.height - 1)))
    }

    private fun withNetwork(test: (SuperResolution) -> Unit) {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        SuperResolution.load(context).use(test)
    }

    /** A tile of the test's own assets. */
    private fun tile(name: String, count: Int): Tile {
        val assets = InstrumentationRegistry.getInstrumentation().context.assets
        val bytes = ByteArray(TileFormat.BYTES_A_NUMBER * count)
        DataInputStream(assets.open("mobilesr/$name")).use {
            it.readFully(bytes)
            assertEquals("$name has more than $count numbers", -1, it.read())
        }
        return TileFormat.parsed(bytes)
    }
}
